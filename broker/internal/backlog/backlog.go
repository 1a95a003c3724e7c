package backlog

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Inspector tells how far a consumer of the event log has come.
type Inspector interface {
	Progress(ctx context.Context, consumer string) ([]event.Progress, error)
}

// Config is what a measurement needs.
type Config struct {
	DB        *sqlstore.DB
	Inspector Inspector
	// Consumers are those whose records count.
	Consumers []string
	// Max is the largest backlog, in events, with which new cases are still accepted. It must be positive.
	Max int64
	// Interval is the pause between two measurements of what is unpublished; the event log is asked a quarter as often.
	// Defaults to 250 ms.
	Interval time.Duration
	Log      *slog.Logger
}

// Backlog is the bound with its latest measurement.
type Backlog struct {
	cfg     Config
	size    atomic.Int64
	records atomic.Int64 // of the last time when the event log could be asked
}

// New returns a backlog that was not measured yet and so has room.
func New(cfg Config) *Backlog {
	if cfg.Interval == 0 {
		cfg.Interval = 250 * time.Millisecond
	}
	return &Backlog{cfg: cfg}
}

// Size is the latest measurement in events. Counting ends at the bound: a larger number of unpublished events is shown as
// one more than Max.
func (b *Backlog) Size() int64 { return b.size.Load() }

// Room is nil while a new case may be accepted, and Unavailable beyond the bound.
func (b *Backlog) Room() error {
	if n := b.size.Load(); n > b.cfg.Max {
		return contracts.Errorf(contracts.Unavailable, "accept new cases", "%d events wait for the engines, more than %d", n, b.cfg.Max)
	}
	return nil
}

// Run measures until ctx ends, and returns nil. An event log that does not answer delays no other measurement.
func (b *Backlog) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	tasks.Go(func() { every(ctx, b.cfg.Interval, b.count) })
	tasks.Go(func() { every(ctx, 4*b.cfg.Interval, b.ask) })
	tasks.Wait()
	return nil
}

func every(ctx context.Context, interval time.Duration, measure func(context.Context)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			measure(ctx)
		}
	}
}

// Measure measures once, before Run. What cannot be asked leaves the backlog as it was.
func (b *Backlog) Measure(ctx context.Context) {
	b.ask(ctx)
	b.count(ctx)
}

// count takes the latest measurement: what is unpublished and what the event log holds. It counts up to the bound, not
// beyond: after a long outage the index holds far more.
func (b *Backlog) count(ctx context.Context) {
	var waiting int64
	err := b.cfg.DB.Read().QueryRowContext(ctx, `select count(*) from (select 1 from outbox where published_at is null limit $1) as waiting`, b.cfg.Max+1).Scan(&waiting)
	if err != nil {
		b.unknown(ctx, "ledger", err)
		return
	}
	now := waiting + b.records.Load()
	before := b.size.Swap(now)
	switch {
	case before <= b.cfg.Max && now > b.cfg.Max:
		b.cfg.Log.ErrorContext(ctx, "too many events wait for the engines, no new cases are accepted", "events", now, "max", b.cfg.Max)
	case before > b.cfg.Max && now <= b.cfg.Max:
		b.cfg.Log.WarnContext(ctx, "new cases are accepted again", "events", now, "max", b.cfg.Max)
	}
}

// ask asks the event log.
func (b *Backlog) ask(ctx context.Context) {
	records, err := b.behind(ctx)
	if err != nil {
		b.unknown(ctx, "event log", err)
		return
	}
	b.records.Store(records)
}

// behind counts the records of the consumer that is furthest behind.
func (b *Backlog) behind(ctx context.Context) (most int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 4*b.cfg.Interval)
	defer cancel()
	for _, consumer := range b.cfg.Consumers {
		progress, err := b.cfg.Inspector.Progress(ctx, consumer)
		if err != nil {
			return 0, fmt.Errorf("ask how far %s has come: %w", consumer, err)
		}
		var records int64
		for _, p := range progress {
			records += p.End - p.Next
		}
		most = max(most, records)
	}
	return most, nil
}

func (b *Backlog) unknown(ctx context.Context, part string, err error) {
	if ctx.Err() == nil {
		b.cfg.Log.DebugContext(ctx, "backlog not measured", "part", part, "error", err)
	}
}
