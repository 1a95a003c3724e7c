package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/demo"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// serve runs the broker until it is told to stop.
func (m Main) serve(ctx context.Context, cfg config.Standalone, _ config.Origins) error {
	return m.run(ctx, served(cfg), logger(m.Stderr, cfg.Log), nil)
}

// served is cfg for a broker on real data: nobody plays an authority unless told to.
func served(cfg config.Standalone) config.Standalone {
	if cfg.Offices == "auto" {
		cfg.Offices = "none"
	}
	return cfg
}

// demo runs the broker and plays the main job once. Its log goes to a file, so that the steps can be read.
func (m Main) demo(ctx context.Context, cfg config.Standalone, _ config.Origins) error {
	if cfg.Offices == "auto" {
		cfg.Offices = "all"
	}
	if _, _, err := demo.Example(cfg.Example); err != nil {
		return hinted(err, "--example names one of them; without it the first is played")
	}
	if err := makePrivate(cfg.Data); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(cfg.Data, "broker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log file: %w", err)
	}
	defer file.Close() //nolint:errcheck // the log's last line is not worth a failed run
	log := logger(file, cfg.Log)
	return m.run(ctx, cfg, log, func(ctx context.Context, p *program) (bool, error) {
		report, err := demo.Run(ctx, demo.Config{
			API: p.api, Issuer: p.issuer, Credentials: p.credentials, Example: cfg.Example, Out: m.Stdout, Log: log,
		})
		if err != nil {
			return false, fmt.Errorf("play the demo: %w", err)
		}
		if cfg.Exit && len(report.Missing) > 0 {
			return true, errIncomplete
		}
		return cfg.Exit, nil
	})
}

// run starts the broker with its offices, lets play do its part, and serves until the context ends or play is done.
func (m Main) run(ctx context.Context, cfg config.Standalone, log *slog.Logger, play func(context.Context, *program) (done bool, err error)) (err error) {
	say(m.Stdout, "EfA-Broker mit eingebetteten Diensten: zum Ausprobieren und für kleine Häuser; für den Betrieb Apache Kafka, einen Temporal-Cluster und PostgreSQL verwenden.\n")
	p, err := start(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop(context.WithoutCancel(ctx))) }()
	if err := p.startOffices(ctx); err != nil {
		return err
	}
	m.ready(p)
	m.played(p)
	if play != nil {
		done, err := play(ctx, p)
		if err != nil && ctx.Err() == nil || done {
			return err
		}
		m.further(p)
	}
	select {
	case <-ctx.Done():
		say(m.Stdout, "Der Broker wird beendet …\n")
		return nil
	case err := <-p.failed:
		return fmt.Errorf("background work ended: %w", err)
	}
}

// ready says where the broker is.
func (m Main) ready(p *program) {
	say(m.Stdout, "Bereit.  API %s   OpenID %s   Kafka %s   Temporal %s   Daten %s\n", p.api, p.issuer, p.kafkaAddr, p.temporalAddr, p.cfg.Data)
}

// played warns of back offices that are none.
func (m Main) played(p *program) {
	if p.cfg.Offices == "none" {
		return
	}
	say(m.Stdout, "Achtung: Die Fachverfahren der Behörden sind erfunden und werden hier nur gespielt (offices=%s); was sie erhalten, liegt im Klartext in %s.\n", p.cfg.Offices, p.dir("offices"))
}

// further says where to look after the demo.
func (m Main) further(p *program) {
	data := ""
	if p.cfg.Data != "./data" {
		data = " --data " + p.cfg.Data
	}
	printLines(m.Stdout,
		"",
		"Weiter in einem zweiten Terminal:",
		"  go run ./broker/cmd/efabroker case list"+data,
		"  go run ./broker/cmd/efabroker disclosure list"+data,
		"  go run ./broker/cmd/efabroker ledger verify"+data,
		"Was jede Stelle erhalten hat, liegt in "+p.dir("offices")+", das Protokoll in "+p.dir("broker.log")+".",
		"Anmeldung der Sachbearbeitung: "+p.dir("people.json")+".  Bereitschaft: "+p.api+"/readyz, Messwerte: "+p.api+"/metrics",
		"Beenden mit Strg-C; ein neuer Start setzt jeden offenen Vorgang fort.",
	)
}

func printLines(w io.Writer, lines ...string) {
	for _, l := range lines {
		say(w, "%s\n", l)
	}
}

// startOffices plays the back offices that the configuration names.
func (p *program) startOffices(ctx context.Context) error {
	authorities, err := p.broker.Authorities(ctx)
	if err != nil {
		return err
	}
	chosen := chosenOffices(authorities, p.cfg.Offices)
	if len(chosen) == 0 {
		return nil
	}
	played, err := offices.New(offices.Config{
		API: p.api, Issuer: p.issuer, Authorities: chosen, State: p.dir("offices/journal"), Dir: p.dir("offices"), Tracer: officeTracer{p.tracer}, Log: p.log,
		Credentials: func(id authority.ID) (client.Credentials, error) { return p.credentials(string(id)) },
	})
	if err != nil {
		return fmt.Errorf("open back offices: %w", err)
	}
	if err := played.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start back offices: %w", err)
	}
	p.defers(played.Stop)
	return nil
}

// officeTracer makes the spans of back offices that this process plays.
type officeTracer struct{ *trace.Tracer }

// Handle begins the span of one attempt to handle an item.
func (t officeTracer) Handle(ctx context.Context, item delivery.Item) (context.Context, func(error)) {
	ctx, span := t.Start(ctx, trace.ItemHandle, trace.Case(item.Case), trace.Authority(string(item.Authority)))
	return ctx, span.End
}

// credentials reads the key of a machine client.
func (p *program) credentials(id string) (client.Credentials, error) {
	return client.ReadCredentials(filepath.Join(p.dir("clients"), id+".json"))
}

func removeFile(path string) func(context.Context) error {
	return func(context.Context) error {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", path, err)
		}
		return nil
	}
}
