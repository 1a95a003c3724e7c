package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/localkafka"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/assembly"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/openid"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/workflows/localtemporal"
)

// operator hosts every case of a standalone broker.
const operator = "bayern"

// program is the running broker with its embedded engines. Everything is stopped in the reverse of the order in which
// it was started.
type program struct {
	cfg config.Standalone
	log *slog.Logger

	api, issuer, kafkaAddr, temporalAddr string

	// adjust changes what the broker is assembled from, before it is opened; nil in a program that people start.
	adjust func(*assembly.Config)

	listener net.Listener
	people   []person
	engine   *localtemporal.Server
	tracer   *trace.Tracer
	broker   *assembly.Broker
	failed   <-chan error
	undo     []func(context.Context) error
}

// start starts engines, broker and API. On an error everything that was started is stopped again.
func start(ctx context.Context, cfg config.Standalone, log *slog.Logger) (*program, error) {
	p := &program{cfg: cfg, log: log}
	return p, p.begin(ctx)
}

func (p *program) begin(ctx context.Context) error {
	if err := makePrivate(p.cfg.Data); err != nil {
		return err
	}
	if err := p.start(ctx); err != nil {
		return errors.Join(err, p.stop(context.WithoutCancel(ctx)))
	}
	return nil
}

func (p *program) start(ctx context.Context) error {
	if err := p.listen(ctx); err != nil {
		return err
	}
	tracer, err := trace.Open(ctx, trace.Config{Endpoint: p.cfg.OTLPEndpoint, Log: p.log})
	if err != nil {
		return err
	}
	p.tracer = tracer
	p.defers(tracer.Stop)
	if err := p.startEngines(ctx); err != nil {
		return err
	}
	events, err := kafkalog.New(kafkalog.Config{Brokers: []string{p.kafkaAddr}, SenderTime: true, Logger: p.log})
	if err != nil {
		return err
	}
	p.defers(func(context.Context) error { return events.Close() })
	p.defers(p.broker.Stop)
	return p.serve(ctx, events)
}

// listen takes the address of the API before anything that takes time, so that an occupied one is told at once. Nothing
// is accepted on it before serve.
func (p *program) listen(ctx context.Context) error {
	listener, err := httpserver.Listen(ctx, p.cfg.Listen)
	if err != nil {
		return p.notListening(err)
	}
	p.defers(func(context.Context) error { return ignoreClosed(listener.Close()) })
	p.listener, p.api = listener, "http://"+listener.Addr().String()
	p.issuer = p.api + "/oidc"
	return nil
}

func (p *program) notListening(err error) error {
	hint := "choose another address with --listen; port 0 picks a free one"
	if _, found := os.Stat(p.dir("endpoint.json")); found == nil {
		hint = "a broker on the data directory " + p.cfg.Data + " is running, or was not stopped properly; for a second one choose another --data and other ports"
	}
	return hinted(contracts.Errorf(contracts.Unavailable, "start API", "%w", err), hint)
}

// makePrivate makes a directory, or closes an existing one to other users: it holds keys and databases.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory needs the bit to be entered
		return fmt.Errorf("close data directory to others: %w", err)
	}
	return nil
}

// startEngines starts the event log, the process engine and the stores side by side: each takes its time to start.
// What needs the data directory for itself comes first, so that a second start is refused before it touches anything.
func (p *program) startEngines(ctx context.Context) error {
	port, err := loopbackPort(p.cfg.TemporalListen)
	if err != nil {
		return err
	}
	kafka, err := localkafka.Start(ctx, localkafka.Config{Dir: p.dir("kafka"), Addr: p.cfg.KafkaListen, Logger: p.log})
	if err != nil {
		return p.noEventLog(err)
	}
	p.kafkaAddr = kafka.Addr
	p.defers(kafka.Stop)
	p.engine = localtemporal.New(localtemporal.Config{Dir: p.dir("temporal"), Port: port, Logger: p.log})
	p.defers(func(ctx context.Context) error { return p.engine.Stop(ctx) })
	cfg := assembly.Config{Dir: p.cfg.Data, KeystoreBackup: p.cfg.KeystoreBackup, Operator: operator, BacklogMax: p.cfg.BacklogMax, Tracer: p.tracer, Log: p.log}
	if p.adjust != nil {
		p.adjust(&cfg)
	}
	engines, engineCtx := errgroup.WithContext(ctx)
	engines.Go(func() error { return p.engine.Start(engineCtx) })
	engines.Go(func() (err error) {
		p.broker, err = assembly.Open(engineCtx, cfg)
		return err
	})
	err = engines.Wait()
	p.temporalAddr = p.engine.HostPort()
	if err != nil && p.broker != nil {
		p.defers(p.broker.Stop)
	}
	return err
}

// noEventLog tells a data directory that another process has, which the event log's lock finds out, from other faults.
func (p *program) noEventLog(err error) error {
	if contracts.KindOf(err) == contracts.Conflict {
		return hinted(contracts.Errorf(contracts.Conflict, "start", "the data directory %s is in use by another broker", p.cfg.Data),
			"stop that one, or choose another directory with --data")
	}
	return fmt.Errorf("start event log in %s: %w", p.cfg.Data, err)
}

// loopbackPort is the port of an address for an engine that authenticates nobody and so listens on 127.0.0.1 only.
func loopbackPort(address string) (int, error) {
	host, text, err := net.SplitHostPort(address)
	port, convErr := strconv.Atoi(text)
	if err != nil || convErr != nil || host != "127.0.0.1" && host != "localhost" {
		return 0, contracts.Refuse(contracts.Invalid, "read configuration", contracts.Problem{
			Pointer: "temporal_listen",
			Detail:  "the embedded engine authenticates nobody and listens on 127.0.0.1 only; want 127.0.0.1:PORT",
		})
	}
	return port, nil
}

// serve admits the clients of this data directory and opens the API.
func (p *program) serve(ctx context.Context, events eventlog.Log) error {
	if err := p.admit(ctx); err != nil {
		return err
	}
	if err := p.broker.Start(ctx, assembly.Engines{Events: events, Temporal: p.temporalAddr}); err != nil {
		return err
	}
	p.failed = p.broker.Failed()
	handler, err := p.broker.Handler(ctx)
	if err != nil {
		return err
	}
	server := httpserver.New(httpserver.ServerConfig{Listener: p.listener, Handler: handler, Logger: p.log})
	if err := server.Start(ctx); err != nil {
		return err
	}
	p.defers(server.Stop)
	return p.writeEndpoint()
}

// admit makes keys for the clients of this data directory and lets them in.
func (p *program) admit(ctx context.Context) error {
	authorities, err := p.broker.Authorities(ctx)
	if err != nil {
		return err
	}
	if p.people, err = ensurePeople(filepath.Join(p.cfg.Data, "people.json")); err != nil {
		return err
	}
	principals := append(assembly.Machines(operator, authorities), peopleAsPrincipals(p.people)...)
	clients, err := registerClients(p.dir("clients"), principals, p.api)
	if err != nil {
		return err
	}
	provider, err := openid.New(openid.Config{Dir: p.dir("openid"), Issuer: p.issuer, Clients: clients, People: asOpenID(p.people), Logger: p.log})
	if err != nil {
		return err
	}
	ring, err := assembly.OutboxKeys(p.cfg.AuthorityKeys)
	if err != nil {
		return err
	}
	p.defers(func(context.Context) error { return provider.Close() })
	return p.broker.Admit(ctx, assembly.Gate{
		Issuer: p.issuer, Audience: openid.Audience, Keys: provider, Principals: principals, Outboxes: ring, Open: map[string]http.Handler{"/oidc/": provider.Handler()},
	})
}

func (p *program) dir(name string) string { return filepath.Join(p.cfg.Data, name) }

// defers registers what has to be undone at the end.
func (p *program) defers(f func(context.Context) error) { p.undo = append(p.undo, f) }

// stop undoes everything, newest first.
func (p *program) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.ShutdownTimeout)
	defer cancel()
	var errs []error
	for _, undo := range slices.Backward(p.undo) {
		errs = append(errs, undo(ctx))
	}
	p.undo = nil
	return errors.Join(errs...)
}
