package starter

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"github.com/efa-broker/efa-broker/broker/internal/position"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Consumer is the name under which the starter keeps its positions and consumes.
const Consumer = "efa.starter"

// Engine takes an event for a case's workflow and starts the workflow when it does not run.
type Engine interface {
	HandOver(ctx context.Context, start engine.Start, e engine.Event) error
}

// Config is what a starter needs.
type Config struct {
	DB     *sqlstore.DB
	Engine Engine
	Log    *slog.Logger
}

// Starter hands events over.
type Starter struct{ cfg Config }

// New returns a starter.
func New(cfg Config) *Starter { return &Starter{cfg: cfg} }

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
	return s.cfg.Engine.HandOver(ctx, start, ev)
}
