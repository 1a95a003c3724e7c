package backoffice

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Config says for whom a Runner works, and how patiently.
type Config struct {
	// Authority is the office whose inbox Port reads. It names the Runner in the log.
	Authority authority.ID
	Port      Port
	Handler   Handler
	Journal   Journal
	// Tracer makes spans of the handling of items. Defaults to none; the trace of an item goes on with its requests anyway.
	Tracer Tracer
	// Log defaults to one that drops everything.
	Log *slog.Logger
	// FirstPause is the pause before the second attempt; each further one doubles it. Defaults to 200 ms.
	FirstPause time.Duration
	// LongestPause bounds the pause. Defaults to 30 s.
	LongestPause time.Duration
	// Attempts is how often an item is tried under RetryThenGiveUp. Defaults to 5.
	Attempts int
	// Idle is the pause after an empty answer, so that a broker that does not wait is not pressed. Defaults to 100 ms.
	Idle time.Duration
}

// Tracer makes spans.
type Tracer interface {
	// Handle begins the span of one attempt to handle an item. It follows the trace context of ctx and returns the context
	// that requests continue, and what ends the span.
	Handle(ctx context.Context, item delivery.Item) (context.Context, func(error))
}

// Runner reads one authority's inbox, gives each item to the handler, and remembers how far it came.
type Runner struct {
	cfg  Config
	seen *recent
}

// New checks cfg and loads nothing yet.
func New(cfg Config) (*Runner, error) {
	if cfg.Port == nil || cfg.Handler == nil || cfg.Journal == nil {
		return nil, contracts.Errorf(contracts.Invalid, "open back office", "port, handler and journal are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.FirstPause = orDefault(cfg.FirstPause, 200*time.Millisecond)
	cfg.LongestPause = orDefault(cfg.LongestPause, 30*time.Second)
	cfg.Idle = orDefault(cfg.Idle, 100*time.Millisecond)
	cfg.Attempts = orDefault(cfg.Attempts, 5)
	cfg.Log = cfg.Log.With("authority", string(cfg.Authority))
	return &Runner{cfg: cfg, seen: newRecent(Kept)}, nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Run works until ctx ends, then returns nil. It returns an error only when the journal can neither be read nor written,
// because without it items would be handled again and again. Run must not be called twice at the same time.
func (r *Runner) Run(ctx context.Context) error {
	cursor, done, err := r.cfg.Journal.Load()
	if err != nil {
		return err
	}
	for _, id := range done {
		r.seen.add(id)
	}
	pause := r.cfg.FirstPause
	for ctx.Err() == nil {
		items, next, err := r.cfg.Port.Next(ctx, cursor)
		if err != nil {
			r.pause(ctx, err, pause)
			pause = min(2*pause, r.cfg.LongestPause)
			continue
		}
		pause = r.cfg.FirstPause
		if cursor, err = r.batch(ctx, cursor, items, next); err != nil {
			return err
		}
		if len(items) == 0 {
			wait(ctx, r.cfg.Idle)
		}
	}
	return nil
}

// pause notes a passing fault and waits; when ctx has ended there is no fault.
func (r *Runner) pause(ctx context.Context, err error, d time.Duration) {
	if ctx.Err() == nil {
		r.cfg.Log.WarnContext(ctx, "inbox cannot be read", "error", err, "pause", d)
		wait(ctx, d)
	}
}

// batch handles items in order and returns the cursor to go on with.
func (r *Runner) batch(ctx context.Context, cursor string, items []delivery.Item, next string) (string, error) {
	for _, item := range items {
		if !r.needless(item) && !r.item(ctx, item) {
			return cursor, nil // ctx has ended: the item comes again
		}
		if err := r.cfg.Journal.Record(item.Cursor, item.ID); err != nil {
			return cursor, err
		}
		r.seen.add(item.ID)
		cursor = item.Cursor
	}
	if next == "" || next == cursor {
		return cursor, nil
	}
	return next, r.cfg.Journal.Record(next, "")
}

// needless reports whether an item was handled before and the broker has the answer. One that was handled and that the
// broker shows as unanswered comes again because a restore of the broker lost the answer, and so is given again; so is a
// task, whose outcome may be lost although the delivery was accepted.
func (r *Runner) needless(item delivery.Item) bool {
	answered := item.State == delivery.Accepted || item.State == delivery.Rejected
	return r.seen.has(item.ID) && answered && item.Kind != delivery.TaskItem
}

// item brings one item to an end: handled, rejected or given up. It returns false when ctx ended first.
func (r *Runner) item(ctx context.Context, item delivery.Item) bool {
	log := r.cfg.Log.With("delivery_id", item.ID, "case_id", item.Case, "kind", string(item.Kind))
	pause := r.cfg.FirstPause
	for attempt := 1; ctx.Err() == nil; attempt++ {
		err := r.handle(ctx, item)
		if err == nil {
			log.InfoContext(ctx, "item handled")
			return true
		}
		if ctx.Err() != nil {
			break
		}
		verdict := VerdictOf(contracts.KindOf(err))
		switch {
		case verdict == Done:
			log.InfoContext(ctx, "item was answered before", "error", err)
			return true
		case verdict == GiveUp, verdict == RetryThenGiveUp && attempt >= r.cfg.Attempts:
			log.ErrorContext(ctx, "item given up", "error", err, "attempts", attempt)
			return true
		}
		log.WarnContext(ctx, "item comes again", "error", err, "attempt", attempt, "pause", pause)
		wait(ctx, pause)
		pause = min(2*pause, r.cfg.LongestPause)
	}
	return false
}

// handle calls the handler once, and rejects the delivery when the handler could not read it.
func (r *Runner) handle(ctx context.Context, item delivery.Item) (err error) {
	ctx = event.WithTraceParent(ctx, item.TraceParent)
	if r.cfg.Tracer != nil {
		var end func(error)
		ctx, end = r.cfg.Tracer.Handle(ctx, item)
		defer func() { end(err) }()
	}
	err = r.dispatch(ctx, item)
	unreadable, ok := errors.AsType[*UnreadableError](err)
	if !ok {
		return err
	}
	r.cfg.Log.WarnContext(ctx, "delivery is unreadable", "delivery_id", item.ID, "reason", string(unreadable.Reason))
	return r.cfg.Port.Confirm(ctx, item.ID, unreadable.Reason)
}

func (r *Runner) dispatch(ctx context.Context, item delivery.Item) error {
	switch item.Kind {
	case delivery.TaskItem:
		return r.cfg.Handler.Task(ctx, r.cfg.Port, item)
	case delivery.AnnouncementItem:
		return r.cfg.Handler.Announcement(ctx, r.cfg.Port, item)
	}
	return contracts.Errorf(contracts.Unsupported, "handle item", "kind %q is not known to this version", item.Kind)
}

// wait pauses for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
