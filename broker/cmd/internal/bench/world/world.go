package world

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/assembly"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/process"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// Names of the benchmark's own world.
const (
	Operator authority.OperatorID = "bench"
	portal                        = "portal-" + string(Operator)
	// Office holds every task, unless an application names another place.
	Office authority.ID = "gewerbeamt-muenchen"
	// Region is the place of an application, unless another one is named.
	Region = "091620000000"

	issuer   = "https://bench.invalid/oidc"
	audience = "broker-api"
	trade    = key.ServiceKey("99050012104000")
)

// Config says where the stores lie: databases, or files in Dir.
type Config struct {
	Dir                string
	LedgerURL, KeysURL string
	// Own says that this benchmark has opened the stores before.
	Own bool
	Log *slog.Logger
}

// World is an open broker.
type World struct {
	assembly.Inside

	broker  *assembly.Broker
	handler http.Handler
	signer  signer
	pkg     service.Package
	log     *slog.Logger
}

// Open opens a broker on stores that hold nothing and lets the callers in. Nothing else runs yet. Conflict when a store is in
// use. The caller stops the world.
func Open(ctx context.Context, cfg Config) (_ *World, err error) {
	at := assembly.Config{
		Dir: cfg.Dir, LedgerURL: cfg.LedgerURL, KeysURL: cfg.KeysURL, Migrated: cfg.LedgerURL != "", Operator: Operator, Log: cfg.Log,
	}
	if cfg.LedgerURL != "" && !cfg.Own {
		if err := unused(ctx, cfg); err != nil {
			return nil, err
		}
	}
	b, err := assembly.Open(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("open broker: %w", err)
	}
	w := &World{Inside: b.Inside(), broker: b, log: cfg.Log}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if w.signer, err = newSigner(); err != nil {
		return nil, err
	}
	authorities, err := b.Authorities(ctx)
	if err != nil {
		return nil, err
	}
	gate := assembly.Gate{Issuer: issuer, Audience: audience, Keys: w.signer.keys, Principals: assembly.Machines(Operator, authorities)}
	if err := b.Admit(ctx, gate); err != nil {
		return nil, fmt.Errorf("admit callers: %w", err)
	}
	if err := b.Receive(ctx); err != nil {
		return nil, err
	}
	if w.handler, err = b.Handler(ctx); err != nil {
		return nil, fmt.Errorf("make handler: %w", err)
	}
	w.pkg = w.Packages[slices.IndexFunc(w.Packages, func(p service.Package) bool { return p.Service == trade })]
	return w, nil
}

// Start runs the whole broker on engines, until Stop.
func (w *World) Start(ctx context.Context, e assembly.Engines) error { return w.broker.Start(ctx, e) }

// Stop stops the broker and closes its stores, also when ctx has ended before.
func (w *World) Stop(ctx context.Context) error { return w.broker.Stop(context.WithoutCancel(ctx)) }

// closed lists the cases among ids that have ended.
func (w *World) closed(ctx context.Context, ids []string) (closed []string, err error) {
	for _, id := range ids {
		var state string
		if err := w.DB.Read().QueryRowContext(ctx, `select state from cases where id = $1`, id).Scan(&state); err != nil {
			return nil, fmt.Errorf("look at case: %w", err)
		}
		if state == "closed" {
			closed = append(closed, id)
		}
	}
	return closed, nil
}

// Announcement is a task that has arrived in the inbox of Office.
type Announcement struct {
	Seq        int64
	Case, Task string
}

// announced lists the tasks in the inbox of Office behind a place, in their order.
func (w *World) announced(ctx context.Context, after int64) (out []Announcement, err error) {
	rows, err := w.DB.Read().QueryContext(ctx, `select inbox_seq, case_id, task_id from deliveries
		where authority = $1 and inbox_seq > $2 and task_id <> '' order by inbox_seq`, Office, after)
	if err != nil {
		return nil, fmt.Errorf("look into the inbox: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a Announcement
		if err := rows.Scan(&a.Seq, &a.Case, &a.Task); err != nil {
			return nil, fmt.Errorf("look into the inbox: %w", err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// lastAnnounced is the last place in the inbox of Office; 0 when it is empty.
func (w *World) lastAnnounced(ctx context.Context) (seq int64, err error) {
	err = w.DB.Read().QueryRowContext(ctx, `select coalesce(max(inbox_seq), 0) from deliveries where authority = $1`, Office).Scan(&seq)
	if err != nil {
		return 0, fmt.Errorf("look into the inbox: %w", err)
	}
	return seq, nil
}

// arrived tells of the next item in any inbox. Take it before announced.
func (w *World) arrived() <-chan struct{} { return w.DB.Changed(sqlstore.Inboxes) }

// registerStep is the step of the process that the benchmark takes by hand.
const registerStep = "register"

// assign is the command by which the process gives out the task of a case for the pass-th time.
func (w *World) assign(ctx context.Context, caseID string, holder authority.ID, pass int) (engine.Assign, error) {
	c, err := w.Ports.Load(ctx, caseID)
	if err != nil {
		return engine.Assign{}, err
	}
	return engine.Assign{
		Command: engine.Command{StepKey: engine.StepKey{Case: caseID, Step: registerStep, Pass: pass}, AfterSeq: 1},
		Role:    authority.Lead, Authority: holder, Law: "gewo-15-1", Start: c.ReceivedAt, Outcomes: []string{"registered"},
		OutcomeFacts: []string{"indications_of_violation"}, Purpose: "notice.register", Basis: process.LegalBasis,
	}, nil
}
