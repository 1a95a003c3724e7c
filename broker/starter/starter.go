package starter

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/position"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Consumer is the name under which the starter keeps its positions and consumes.
const Consumer = "efa.starter"

// Engine takes an event for a case's workflow and starts the workflow when it does not run. A Conflict means that the
// workflow has ended.
type Engine interface {
	HandOver(ctx context.Context, start engine.Start, e engine.Event) error
	// State tells whether the workflow of a case runs.
	State(ctx context.Context, caseID string) (engine.RunState, error)
	// Resume makes the workflow of an open case run; it may be repeated.
	Resume(ctx context.Context, start engine.Start) error
}

// Config is what a starter needs.
type Config struct {
	DB     *sqlstore.DB
	Engine Engine
	// Interval is the pause between two turns of the sweep. Defaults to one minute.
	Interval time.Duration
	// Page is the number of open cases that one turn looks at when nothing is missing. Defaults to 500.
	Page int
	Log  *slog.Logger
}

// Starter hands events over.
type Starter struct{ cfg Config }

// New returns a starter.
func New(cfg Config) *Starter {
	if cfg.Interval == 0 {
		cfg.Interval = time.Minute
	}
	if cfg.Page == 0 {
		cfg.Page = 500
	}
	return &Starter{cfg: cfg}
}

// Handle takes a batch of events of efa.cases. It returns an error when one could not be handed over; the batch is then
// given again, and what was handed over is dropped as a repeat.
func (s *Starter) Handle(ctx context.Context, events []event.Recorded) error {
	for _, e := range events {
		if e.EngineSeq == 0 {
			continue
		}
		if err := s.handOver(ctx, e); err != nil {
			return fmt.Errorf("hand over event %s: %w", e.ID, err)
		}
	}
	return nil
}

func (s *Starter) handOver(ctx context.Context, e event.Recorded) error {
	done, err := position.Of(ctx, s.cfg.DB.Read(), Consumer, e.Case)
	if err != nil || done >= e.CaseSeq {
		return err
	}
	start := engine.Start{Case: e.Case}
	var state procedure.State
	err = s.cfg.DB.Read().QueryRowContext(ctx, `select definition, state from cases where id = $1`, e.Case).Scan(&start.Definition, &state)
	if errors.Is(err, sql.ErrNoRows) {
		s.cfg.Log.ErrorContext(ctx, "event of a case that the ledger does not hold", "case_id", e.Case, "event_id", e.ID)
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask the ledger: %w", err)
	}
	if state.Open() {
		if err := s.signal(ctx, start, e); err != nil {
			return err
		}
	}
	return s.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error { return position.Advance(ctx, tx, Consumer, e.Case, e.CaseSeq) })
}

func (s *Starter) signal(ctx context.Context, start engine.Start, e event.Recorded) error {
	ev, err := event.ForEngine(e)
	if err != nil {
		return err
	}
	err = s.cfg.Engine.HandOver(ctx, start, ev)
	if ended(err) {
		s.cfg.Log.InfoContext(ctx, "workflow has ended, nothing handed over", "case_id", e.Case, "event_id", e.ID)
		err = nil
	}
	return err
}

// ended reports whether the engine answered that the workflow of the case has ended.
func ended(err error) bool { return err != nil && contracts.KindOf(err) == contracts.Conflict }
