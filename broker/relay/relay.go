package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Publisher writes events to efa.cases in the order given, durably.
type Publisher interface {
	Publish(ctx context.Context, events ...event.Recorded) error
}

// Commits tells when the ledger has committed something.
type Commits interface {
	Committed() <-chan struct{}
}

// Config is what a relay needs.
type Config struct {
	DB        *sqlstore.DB
	Publisher Publisher
	Commits   Commits
	Leases    lease.Keeper
	// Shards is the number of shards of the ledger. Defaults to 4.
	Shards int64
	// Poll is how often a shard looks for rows without being told, and tries again after a failure. Defaults to 2 seconds.
	Poll time.Duration
	// Batch is the largest number of events in one publication. Defaults to 500.
	Batch int
	// Inspector and Consumers let the relay find published events that no consumer will get any more. Without consumers it
	// looks for none.
	Inspector Inspector
	Consumers []Consumer
	// Look is how often it looks; what was published since the last look is left alone. Defaults to one minute.
	Look time.Duration
	// Tracer makes a span per publication of an event. Defaults to none.
	Tracer *trace.Tracer
	Log    *slog.Logger
}

// Relay publishes outbox rows.
type Relay struct {
	cfg  Config
	wake chan struct{}
}

// New returns a relay.
func New(cfg Config) *Relay {
	if cfg.Shards == 0 {
		cfg.Shards = 4
	}
	if cfg.Poll == 0 {
		cfg.Poll = 2 * time.Second
	}
	if cfg.Batch == 0 {
		cfg.Batch = 500
	}
	if cfg.Look == 0 {
		cfg.Look = time.Minute
	}
	return &Relay{cfg: cfg, wake: make(chan struct{}, 1)}
}

// Run relays until ctx ends. Each shard is relayed under a lease of its own, which is renewed while a publication takes
// its time; when it is lost, the publication's context ends.
func (r *Relay) Run(ctx context.Context) error {
	var shards errgroup.Group
	for shard := range r.cfg.Shards {
		shards.Go(func() error {
			return r.cfg.Leases.Hold(ctx, "relay/"+strconv.FormatInt(shard, 10), func(ctx context.Context, l lease.Lease) error {
				r.relay(ctx, shard, l)
				return nil
			})
		})
	}
	return shards.Wait()
}

// relay publishes the shard's rows as they come, until ctx ends. When it takes the shard over, and then regularly, it
// looks for events that were published and will not be handed over.
func (r *Relay) relay(ctx context.Context, shard int64, l lease.Lease) {
	mine, looked := map[int64]lease.Lease{shard: l}, false
	var last ends
	tick, look := time.NewTicker(r.cfg.Poll), time.NewTicker(r.cfg.Look)
	defer tick.Stop()
	defer look.Stop()
	for {
		committed := r.cfg.Commits.Committed()
		looked = looked || r.look(ctx, mine, &last)
		r.drain(ctx, shard, l)
		select {
		case <-ctx.Done():
			return
		case <-committed:
		case <-r.wake:
		case <-tick.C:
		case <-look.C:
			looked = false
		}
	}
}

// look mends and keeps what it saw for the next time. It reports false when it could not.
func (r *Relay) look(ctx context.Context, shards map[int64]lease.Lease, last *ends) bool {
	if len(r.cfg.Consumers) == 0 {
		return true
	}
	now, err := r.mend(ctx, shards, *last)
	if err != nil {
		if ctx.Err() == nil {
			r.cfg.Log.WarnContext(ctx, "not known yet whether events were lost", "error", err)
		}
		return false
	}
	*last = now
	return true
}

// drain publishes the shard's rows until none is left or something fails; a failure is tried again at the next turn.
func (r *Relay) drain(ctx context.Context, shard int64, l lease.Lease) {
	for ctx.Err() == nil {
		n, err := r.publishBatch(ctx, shard, l)
		if err != nil {
			if ctx.Err() == nil {
				r.cfg.Log.WarnContext(ctx, "events not relayed yet", "shard", shard, "error", err)
			}
			return
		}
		if n < r.cfg.Batch {
			return
		}
	}
}

func (r *Relay) publishBatch(ctx context.Context, shard int64, l lease.Lease) (int, error) {
	events, err := r.unpublished(ctx, shard)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	if fault.Mutated(fault.SwapEvents) {
		slices.Reverse(events)
	}
	fault.Crash(fault.RelayRead)
	if err := r.publish(ctx, events); err != nil {
		return 0, fmt.Errorf("publish %d events: %w", len(events), err)
	}
	fault.Crash(fault.RelayPublished)
	err = r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		if err := lease.Check(ctx, tx, l); err != nil {
			return err
		}
		for _, e := range events {
			if err := tx.Put(ctx, `update outbox set published_at = $3 where case_id = $1 and case_seq = $2`, e.Case, e.CaseSeq, tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("mark %d events published: %w", len(events), err)
	}
	return len(events), nil
}

// publish publishes events, each as the hop of its own trace.
func (r *Relay) publish(ctx context.Context, events []event.Recorded) error {
	if !r.cfg.Tracer.On() {
		return r.cfg.Publisher.Publish(ctx, events...)
	}
	spans := make([]trace.Span, len(events))
	for i, e := range events {
		hop, span := r.cfg.Tracer.Start(event.WithTraceParent(ctx, e.TraceParent), trace.EventPublish, trace.EventType(e.Type), trace.Case(e.Case))
		events[i].Hop, spans[i] = event.TraceParent(hop), span
	}
	err := r.cfg.Publisher.Publish(ctx, events...)
	for _, s := range spans {
		s.End(err)
	}
	return err
}

func (r *Relay) unpublished(ctx context.Context, shard int64) (out []event.Recorded, err error) {
	rows, err := r.cfg.DB.Read().QueryContext(ctx, `select e.case_id, e.case_seq, e.engine_seq, e.id, e.source, e.type, e.operator, e.tenant, e.at, e.data, e.traceparent
		from outbox o join events e on e.case_id = o.case_id and e.case_seq = o.case_seq
		where o.shard = $1 and o.published_at is null order by o.case_id, o.case_seq limit $2`, shard, r.cfg.Batch)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e event.Recorded
		var data string
		if err := rows.Scan(&e.Case, &e.CaseSeq, &e.EngineSeq, &e.ID, &e.Source, &e.Type, &e.Operator, &e.Tenant, &e.Time, &data, &e.TraceParent); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		e.Data = json.RawMessage(data)
		out = append(out, e)
	}
	return out, rows.Err()
}
