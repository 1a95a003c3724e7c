package starter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/position"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Consumer is the name under which the starter keeps its positions and consumes.
const Consumer = "efa.starter"

// Engine takes an event for a case's workflow and starts the workflow when it does not run.
type Engine interface {
	HandOver(ctx context.Context, start engine.Start, e engine.Event) error
	// State tells whether the workflow of a case runs.
	State(ctx context.Context, caseID string) (engine.RunState, error)
	// Resume makes the workflow of an open case run; it may be repeated.
	Resume(ctx context.Context, start engine.Start) error
}

// Ledger reads the events of a case behind a case_seq, in case order.
type Ledger interface {
	CaseEvents(ctx context.Context, q sqlstore.Querier, caseID string, afterSeq int64, limit int) ([]event.Recorded, error)
}

// Config is what a starter needs.
type Config struct {
	DB     *sqlstore.DB
	Ledger Ledger
	Engine Engine
	// Jumped is called when a record jumps over events of its case, which are then read from the ledger. Defaults to
	// nothing.
	Jumped func()
	// Interval is the pause between two turns of the sweep. Defaults to one minute.
	Interval time.Duration
	// Page is the number of open cases that one turn looks at when nothing is missing. Defaults to 500.
	Page int
	// Tracer makes a span per event that is handed over. Defaults to none.
	Tracer *trace.Tracer
	Log    *slog.Logger
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
	if cfg.Jumped == nil {
		cfg.Jumped = func() {}
	}
	return &Starter{cfg: cfg}
}

// Handle takes a batch of events of efa.cases. A record of the event log is a hint only: what is handed over are the
// events that the ledger holds behind the position of the case (DESIGN law 2). An error means that one could not be
// handed over; the batch is then given again, and what was handed over is dropped as a repeat.
func (s *Starter) Handle(ctx context.Context, events []event.Recorded) (err error) {
	done := map[string]int64{}
	defer func() { err = errors.Join(err, s.advance(ctx, done)) }() // after a panic too
	for _, caseID := range position.Cases(events) {
		last, err := s.handOver(ctx, caseID, events)
		if last > 0 {
			done[caseID] = last
		}
		if err != nil {
			return fmt.Errorf("hand over case %s: %w", caseID, err)
		}
		if len(done) == atOnce {
			if err := s.advance(ctx, done); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	// atOnce is for how many cases is kept at a time how far they have come.
	atOnce = 50
	// advanceTimeout bounds the keeping of what was done; the caller may be gone already.
	advanceTimeout = 5 * time.Second
)

// advance keeps how far the cases have come, in one transaction, and empties the list.
func (s *Starter) advance(ctx context.Context, done map[string]int64) error {
	if len(done) == 0 {
		return nil
	}
	defer clear(done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), advanceTimeout)
	defer cancel()
	return s.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		for _, caseID := range slices.Sorted(maps.Keys(done)) {
			if err := position.Advance(ctx, tx, Consumer, caseID, done[caseID]); err != nil {
				return err
			}
		}
		return nil
	})
}

// pageOfEvents is how many events of a case are read at a time.
const pageOfEvents = 500

// handOver hands over what is behind the position of a case. It returns the last event that was handed over; 0 when none was.
func (s *Starter) handOver(ctx context.Context, caseID string, hints []event.Recorded) (last int64, err error) {
	done, err := position.Of(ctx, s.cfg.DB.Read(), Consumer, caseID)
	if err != nil {
		return 0, err
	}
	fault.Crash(fault.StarterReceived)
	jumps, hops := position.Jumps(hints, caseID, done), trace.Hops(hints, caseID)
	for {
		page, err := s.cfg.Ledger.CaseEvents(ctx, s.cfg.DB.Read(), caseID, done, pageOfEvents)
		if err != nil {
			return last, err
		}
		if jumps && len(page) > 0 {
			s.cfg.Jumped()
			jumps = false
		}
		for _, e := range page {
			fault.Panic(fault.StarterPanics, e.ID)
			e.Hop = hops[e.CaseSeq]
			if err := s.signal(ctx, e); err != nil {
				return last, err
			}
			done, last = e.CaseSeq, e.CaseSeq
		}
		if len(page) > 0 {
			fault.Crash(fault.StarterSignalled)
		}
		if len(page) < pageOfEvents {
			return last, nil
		}
	}
}

// signal hands one event over, if the process reacts to it and the ledger says that the case is open.
func (s *Starter) signal(ctx context.Context, e event.Recorded) error {
	if e.EngineSeq == 0 {
		return nil
	}
	start := engine.Start{Case: e.Case}
	var state procedure.State
	err := s.cfg.DB.Read().QueryRowContext(ctx, `select definition, state from cases where id = $1`, e.Case).Scan(&start.Definition, &state)
	if err != nil {
		return fmt.Errorf("ask the ledger: %w", err)
	}
	if !state.Open() {
		return nil
	}
	ev, err := event.ForEngine(e)
	if err != nil {
		return err
	}
	ctx, span := s.cfg.Tracer.Start(s.cfg.Tracer.Follow(ctx, e), trace.EventHandOver, trace.EventType(e.Type), trace.Case(e.Case))
	ev.TraceParent = cmp.Or(event.TraceParent(ctx), e.TraceParent)
	err = s.cfg.Engine.HandOver(ctx, start, ev)
	span.End(err)
	return err
}
