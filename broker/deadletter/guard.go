package deadletter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Handle takes a batch of events; see adapters/eventlog.
type Handle = func(ctx context.Context, events []event.Recorded) error

// Guard stands in front of a consumer's handler; the package comment says what it does.
func (d *DeadLetters) Guard(consumer string, handle Handle) Handle {
	return func(ctx context.Context, events []event.Recorded) error {
		g := guard{DeadLetters: d, consumer: consumer, handle: handle}
		return g.run(ctx, events)
	}
}

// guard is the guarding of one batch.
type guard struct {
	*DeadLetters
	consumer string
	handle   Handle
	// stopped are the cases whose events are left alone.
	stopped map[string]bool
}

func (g *guard) run(ctx context.Context, events []event.Recorded) error {
	var err error
	if g.stopped, err = g.stops(ctx); err != nil {
		return err
	}
	sound, err := g.sift(ctx, events)
	if err != nil || len(sound) == 0 {
		return err
	}
	err = g.call(ctx, sound)
	if err == nil || ctx.Err() != nil || verdictOn(err) == again {
		return err
	}
	for _, e := range sound {
		if g.stopped[e.Case] {
			continue
		}
		if err := g.single(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// stops reads which cases a letter stops for the consumer.
func (g *guard) stops(ctx context.Context) (out map[string]bool, err error) {
	cases, err := sqlstore.Texts[string](ctx, g.cfg.DB.Read(), `select case_id from dead_letters where consumer in ('', $1) and state in ('parked', 'dead')`, g.consumer)
	if err != nil {
		return nil, fmt.Errorf("read stopped cases: %w", err)
	}
	out = map[string]bool{}
	for _, id := range cases {
		out[id] = true
	}
	return out, nil
}

// sift keeps the events that the handler may see, as the ledger holds them.
func (g *guard) sift(ctx context.Context, events []event.Recorded) ([]event.Recorded, error) {
	sound := make([]event.Recorded, 0, len(events))
	for _, e := range events {
		if g.stopped[e.Case] {
			continue
		}
		own, reason, err := g.recorded(ctx, e)
		if err != nil {
			return nil, err
		}
		if reason == "" {
			sound = append(sound, own)
			continue
		}
		if err := g.aside(ctx, e, reason); err != nil {
			return nil, err
		}
	}
	return sound, nil
}

// recorded finds the ledger's own row of an event, or the reason why the event may not be handled.
func (g *guard) recorded(ctx context.Context, e event.Recorded) (event.Recorded, deadletter.Reason, error) {
	rows, err := g.cfg.Ledger.CaseEvents(ctx, g.cfg.DB.Read(), e.Case, e.CaseSeq-1, 1)
	if err != nil {
		return event.Recorded{}, "", err
	}
	if len(rows) == 0 || rows[0].CaseSeq != e.CaseSeq {
		return event.Recorded{}, deadletter.NotInLedger, nil
	}
	own := rows[0]
	if own.ID != e.ID || own.Source != e.Source || own.Type != e.Type || own.EngineSeq != e.EngineSeq || own.Tenant != e.Tenant || !bytes.Equal(own.Data, e.Data) {
		return event.Recorded{}, deadletter.DiffersFromLedger, nil
	}
	if _, known := event.Lookup(own.Type); !known {
		return event.Recorded{}, deadletter.UnknownType, nil
	}
	own.Hop = e.Hop
	return own, "", nil
}

// aside writes a letter about an event. Of one that is not the ledger's nothing is kept but its digest.
func (g *guard) aside(ctx context.Context, e event.Recorded, reason deadletter.Reason) error {
	l := deadletter.Letter{
		State: deadletter.Dead, Reason: reason, Consumer: g.consumer, Topic: event.Topic, Size: int64(len(e.Data)), Digest: digest(e.Data),
	}
	if reason == deadletter.NotInLedger || reason == deadletter.DiffersFromLedger {
		l.State, l.Consumer = deadletter.Refused, ""
		l.ID = idOf("foreign", e.Source, e.ID, e.Case, strconv.FormatInt(e.CaseSeq, 10), l.Digest)
	} else {
		if reason == deadletter.UnknownType {
			l.State = deadletter.Parked
		}
		l.Case, l.CaseSeq, l.Event, l.Type = e.Case, e.CaseSeq, e.ID, e.Type
		l.ID = idOf("event", g.consumer, e.Case, strconv.FormatInt(e.CaseSeq, 10))
		g.stopped[e.Case] = true
	}
	if err := g.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error { return g.write(ctx, tx, l) }); err != nil {
		return fmt.Errorf("put event aside: %w", err)
	}
	g.told(ctx, l)
	fault.Crash(fault.DeadletterWritten)
	return nil
}

// attempts is how often an event is handed over that meets a fault of the broker itself.
const attempts = 5

// single hands one event over, and puts it aside when that cannot succeed.
func (g *guard) single(ctx context.Context, e event.Recorded) error {
	pause := g.cfg.Pause
	for attempt := 1; ; attempt++ {
		err := g.call(ctx, []event.Recorded{e})
		if err == nil || ctx.Err() != nil {
			return err
		}
		switch verdictOn(err) {
		case again:
			return err
		case few:
			if attempt < attempts {
				if err := wait(ctx, pause); err != nil {
					return err
				}
				pause *= 2
				continue
			}
		case never:
		}
		g.cfg.Log.ErrorContext(ctx, "event cannot be handled", "consumer", g.consumer, "case_id", e.Case, "event_id", e.ID, "attempts", attempt, "error", err)
		return g.aside(ctx, e, reasonOf(err))
	}
}

// call calls the handler; a panic becomes an error that says so.
func (g *guard) call(ctx context.Context, events []event.Recorded) (err error) {
	defer func() {
		if p := recover(); p != nil {
			g.cfg.Log.ErrorContext(ctx, "consumer panicked", "consumer", g.consumer, "panic_type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return g.handle(ctx, events)
}

var errPanic = errors.New("the handler panicked")

// verdict is what follows from an error of a handler.
type verdict int

const (
	again verdict = iota // the whole batch, for ever
	few                  // this event, a few times
	never                // it can never succeed
)

// verdictOn is the table of the package comment.
func verdictOn(err error) verdict {
	if errors.Is(err, errPanic) || malformed(err) {
		return never
	}
	switch contracts.KindOf(err) {
	case contracts.Unavailable:
		return again
	case contracts.Internal:
		return few
	case contracts.Invalid, contracts.Unauthenticated, contracts.Denied, contracts.NotFound, contracts.Conflict,
		contracts.NotCompetent, contracts.TooLarge, contracts.Unsupported:
		return never
	}
	return few
}

// malformed reports data that do not decode.
func malformed(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, typ := errors.AsType[*json.UnmarshalTypeError](err)
	return syntax || typ
}

func reasonOf(err error) deadletter.Reason {
	switch {
	case errors.Is(err, errPanic):
		return deadletter.Panic
	case malformed(err):
		return deadletter.Undecodable
	}
	return deadletter.ReasonOf(contracts.KindOf(err))
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
