package assembly

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/broker/delivery"
	"github.com/efa-broker/efa-broker/broker/ingress"
	"github.com/efa-broker/efa-broker/broker/internal/backlog"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/ledger"
	"github.com/efa-broker/efa-broker/broker/reconcile"
	"github.com/efa-broker/efa-broker/broker/relay"
	"github.com/efa-broker/efa-broker/broker/starter"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/workflows/permit"
)

// defaultPartitions is the number of partitions of efa.cases in a new event log.
const defaultPartitions = 6

// defaultBacklog is how many events may wait for the engines.
const defaultBacklog = 100_000

// Broker is one broker over its engines.
type Broker struct {
	cfg     Config
	gate    Gate
	engines Engines
	stores  *stores
	domains *domains
	engine  *permit.Client
	worker  *permit.Worker

	ingress  *ingress.Ingress
	leases   lease.Keeper
	metrics  *metrics
	draining atomic.Bool
	receives bool
	cancels  []context.CancelFunc // end background work
	tasks    sync.WaitGroup
	failed   chan error
}

// Open opens stores and domains. Nobody is admitted and nothing runs yet; the caller calls Stop in any case.
func Open(ctx context.Context, cfg Config) (*Broker, error) {
	if cfg.BacklogMax == 0 {
		cfg.BacklogMax = defaultBacklog
	}
	s, err := openStores(ctx, cfg)
	if err != nil {
		return nil, err
	}
	m := newMetrics(s.db)
	d, err := newDomains(ctx, cfg, s, m)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return &Broker{
		cfg: cfg, stores: s, domains: d, metrics: m, failed: make(chan error, 8),
		leases: lease.Keeper{DB: s.db, Holder: uuid.NewString()},
	}, nil
}

// Authorities lists every authority that the broker knows.
func (b *Broker) Authorities(ctx context.Context) ([]authority.Authority, error) {
	return b.domains.competence.Authorities(ctx, b.cfg.Operator)
}

// Admit says who may speak to the broker. It is called once, before Handler.
func (b *Broker) Admit(ctx context.Context, g Gate) error {
	b.gate = g
	if err := b.domains.admit(ctx, b.cfg, b.stores, g); err != nil {
		return err
	}
	return b.knows(ctx, g.Outboxes)
}

// Start connects to the engines and does everything: what StartServing and StartWorking do.
func (b *Broker) Start(ctx context.Context, e Engines) error {
	if err := b.connect(ctx, e); err != nil {
		return err
	}
	if err := b.work(ctx); err != nil {
		return err
	}
	return b.serve(ctx)
}

// StartServing connects to the engines, consumes, relays and sweeps; the processes themselves run elsewhere. Several
// programs may do so.
func (b *Broker) StartServing(ctx context.Context, e Engines) error {
	if err := b.connect(ctx, e); err != nil {
		return err
	}
	return b.serve(ctx)
}

// StartWorking connects to the process engine and runs processes. Several programs may do so; it needs no event log.
func (b *Broker) StartWorking(ctx context.Context, e Engines) error {
	if err := b.connect(ctx, e); err != nil {
		return err
	}
	return b.work(ctx)
}

func (b *Broker) connect(ctx context.Context, e Engines) (err error) {
	if e.Partitions == 0 {
		e.Partitions = defaultPartitions
	}
	b.engines = e
	if e.Events != nil { // before anything may expire
		if err := b.openIngress(ctx); err != nil {
			return err
		}
	}
	b.engine, err = permit.NewClient(ctx, permit.ClientConfig{HostPort: e.Temporal, Namespace: e.Namespace, Logger: b.cfg.Log})
	if err != nil {
		return fmt.Errorf("connect to the process engine: %w", err)
	}
	return nil
}

func (b *Broker) work(ctx context.Context) error {
	b.worker = permit.NewWorker(permit.WorkerConfig{
		Client: b.engine, Ports: b.domains.ports(b.cfg.Tracer), Source: b.domains.catalogue, Preload: b.domains.catalogue.Hashes(), Logger: b.cfg.Log,
	})
	if err := b.worker.Start(ctx); err != nil {
		return fmt.Errorf("start process worker: %w", err)
	}
	return nil
}

// Receive makes this program one that may receive requests, from now on until Stop: it gets its lease as a receiver, whose
// watermark deadlines wait for. A program that serves does so by itself; call it alone where nothing else shall run.
func (b *Broker) Receive(ctx context.Context) error {
	if b.receives {
		return nil
	}
	if err := b.stores.replica.Start(ctx); err != nil {
		return fmt.Errorf("begin to receive: %w", err)
	}
	b.receives = true
	b.background(b.lasting(ctx), "watermark", b.stores.replica.Run)
	return nil
}

// lasting is a context for background work, which ends at Stop.
func (b *Broker) lasting(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	b.cancels = append(b.cancels, cancel)
	return ctx
}

// serve runs what relays, consumes, sweeps and rebuilds until Stop.
func (b *Broker) serve(ctx context.Context) error {
	if err := b.engines.Events.EnsureTopic(ctx, event.Topic, b.engines.Partitions); err != nil {
		return fmt.Errorf("make topic %s: %w", event.Topic, err)
	}
	if err := b.Receive(ctx); err != nil {
		return err
	}
	ctx = b.lasting(ctx)
	events := eventlog.Events{Log: b.engines.Events, Park: b.park}
	b.publishEarly(events)
	leases := b.leases
	st := starter.New(starter.Config{
		DB: b.stores.db, Ledger: b.domains.ledger, Engine: b.engine, Jumped: b.metrics.jumped(starter.Consumer),
		Tracer: b.cfg.Tracer, Log: b.cfg.Log,
	})
	rl := relay.New(relay.Config{
		DB: b.stores.db, Publisher: events, Commits: b.domains.ledger, Inspector: events,
		Consumers: []relay.Consumer{{Name: starter.Consumer, EngineOnly: true}, {Name: delivery.Consumer}},
		Leases:    leases, Tracer: b.cfg.Tracer, Log: b.cfg.Log,
	})
	dead := b.domains.deadletter
	dead.Through(rl)
	b.domains.reconcile.Among(reconcile.Surroundings{Events: events, Outbox: outbox{rl}, Engine: b.engine})
	b.bound(ctx, events)
	b.background(ctx, "relay", rl.Run)
	b.background(ctx, "starter", func(ctx context.Context) error {
		return events.Consume(ctx, starter.Consumer, dead.Guard(starter.Consumer, st.Handle))
	})
	b.background(ctx, "starter sweep", st.Run)
	b.background(ctx, "delivery", func(ctx context.Context) error {
		return leases.Hold(ctx, "delivery", func(ctx context.Context, l lease.Lease) error {
			return events.Consume(ctx, delivery.Consumer, dead.Guard(delivery.Consumer, func(ctx context.Context, batch []event.Recorded) error {
				return b.domains.delivery.Handle(ctx, l, batch)
			}))
		})
	})
	b.background(ctx, "ingress", b.ingress.Run)
	b.background(ctx, "dead letters", dead.Run)
	b.background(ctx, "reconcile", b.domains.reconcile.Run)
	b.background(ctx, "vault sweeper", func(ctx context.Context) error {
		return leases.Hold(ctx, "vault-sweeper", b.stores.vault.Run)
	})
	return nil
}

// Drain makes the broker say that it is not ready, while it goes on: whoever distributes requests sends no new ones.
func (b *Broker) Drain() { b.draining.Store(true) }

var errDraining = errors.New("it was told to stop")

func (b *Broker) goingOn(context.Context) error {
	if b.draining.Load() {
		return contracts.Errorf(contracts.Unavailable, "ask for readiness", "%w", errDraining)
	}
	return nil
}

// bound measures the backlog once and from then on, so that a broker that starts with a full one accepts no new case.
func (b *Broker) bound(ctx context.Context, events eventlog.Events) {
	size := backlog.New(backlog.Config{
		DB: b.stores.db, Inspector: events, Consumers: []string{starter.Consumer, delivery.Consumer}, Max: b.cfg.BacklogMax, Log: b.cfg.Log,
	})
	size.Measure(ctx)
	b.domains.backlog = size
	b.metrics.watch(size)
	b.background(ctx, "backlog", size.Run)
}

func (b *Broker) background(ctx context.Context, name string, run func(context.Context) error) {
	b.tasks.Go(func() {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			b.cfg.Log.ErrorContext(ctx, "background work ended", "name", name, "error", err)
			b.failed <- fmt.Errorf("%s: %w", name, err)
		}
	})
}

// Verify checks every receipt chain, and the rows of domains that hang on the ledger.
func (b *Broker) Verify(ctx context.Context) (ledger.Verification, error) {
	return b.domains.ledger.Verify(ctx, b.cfg.Operator)
}

// Failed delivers the error of background work that ended although nobody stopped it.
func (b *Broker) Failed() <-chan error { return b.failed }

// Handler is the HTTP API of all domains. The broker is started before anybody asks whether it is ready.
func (b *Broker) Handler(ctx context.Context) (http.Handler, error) {
	mux := http.NewServeMux()
	b.domains.mount(mux, httpserver.Errors{Logger: b.cfg.Log})
	return httpserver.Handler(ctx, httpserver.Config{
		API: mux, Open: b.gate.Open, Authenticator: b.domains.identity, Audit: b.domains.audit, Registry: b.metrics.registry, Tracer: b.cfg.Tracer, Logger: b.cfg.Log,
		Receiver: b.stores.replica,
		Checks: []httpserver.Check{
			{Name: "going_on", Probe: b.goingOn},
			{Name: "ledger", Probe: b.stores.db.Ping},
			{Name: "receipt", Probe: b.stores.replica.Ready},
			// Without these what comes in waits in the ledger.
			{Name: "event_log", Probe: func(ctx context.Context) error { return b.engines.Events.Ping(ctx) }, Beside: true},
			{Name: "process_engine", Probe: func(ctx context.Context) error { return b.engine.Ready(ctx) }, Beside: true},
			{Name: "backlog", Probe: b.metrics.backlog, Beside: true},
			{Name: "ingress", Probe: b.ingress.Ready, Beside: true},
		},
	})
}

// Stop ends everything in the reverse order. It may be called at any time, also after a failed Start.
func (b *Broker) Stop(ctx context.Context) error {
	var errs []error
	for _, cancel := range b.cancels {
		cancel()
	}
	b.tasks.Wait()
	if b.worker != nil {
		errs = append(errs, b.worker.Stop(ctx))
	}
	if b.engine != nil {
		b.engine.Close()
	}
	errs = append(errs, b.stores.replica.Stop(ctx))
	return errors.Join(append(errs, b.stores.close())...)
}
