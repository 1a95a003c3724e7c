package ingress

import (
	"context"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/watermark"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// clock never goes behind the watermark: no receipt is earlier than one that was published.
func (p *partition) clock(now time.Time) time.Time {
	if now.Before(p.mark) {
		return p.mark
	}
	return now
}

// limit is the instant that a record must have been appended before, to the millisecond of a log's clock, to be in time.
func limit(due time.Time) time.Time { return due.Add(time.Millisecond).Truncate(time.Millisecond) }

// received says when a record was received that is read at an instant, and to where the watermark may move with it.
//
// The records of a partition are dealt with in order, so whatever comes behind one that was appended at the limit or later
// was appended then or later too, and is received at the limit or later, whichever task it is about.
func (r *reader) received(ctx context.Context, p *partition, rec Record, task string, at time.Time) (received, mark time.Time, err error) {
	due := time.Time{}
	if task != "" {
		if due, err = r.cfg.Deadlines.Due(ctx, task); err != nil {
			return at, p.mark, err
		}
	}
	if due.IsZero() || !at.After(due) {
		return at, p.mark, nil
	}
	behind, err := r.cfg.Outboxes.Before(ctx, rec.Topic, rec.Partition, limit(due))
	switch {
	case contracts.KindOf(err) == contracts.Unsupported:
		return at, at, nil // nobody knows when it was appended: the time of reading stands
	case err != nil:
		return at, p.mark, err
	case rec.Offset < behind:
		return due, p.mark, nil
	}
	return at, limit(due), nil
}

// look moves the watermarks for deadlines that wait, until the context ends. It ends the reading when the log's clock is off.
func (r *reader) look(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.compare(ctx); err != nil && ctx.Err() == nil {
			r.end(err)
			return
		}
		r.mu.Lock()
		partitions := make([]*partition, 0, len(r.partitions))
		for _, p := range r.partitions {
			partitions = append(partitions, p)
		}
		r.mu.Unlock()
		for _, p := range partitions {
			if err := r.catchUp(ctx, p); err != nil && ctx.Err() == nil {
				r.cfg.Log.WarnContext(ctx, "a deadline waits for a topic", "topic", r.topic, "partition", p.number, "error", err)
			}
		}
		r.pause(ctx, r.cfg.Interval)
	}
}

// catchUp moves the watermark of a partition past every due instant that has passed and whose records were dealt with.
func (r *reader) catchUp(ctx context.Context, p *partition) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if err := r.trusted(); err != nil {
			return err
		}
		due, waits, err := r.cfg.Deadlines.NextDue(ctx, r.authority, p.mark)
		now := p.clock(r.cfg.DB.Now())
		if err != nil || !waits || !now.After(due.Add(watermark.Tolerance)) {
			return err
		}
		mark := limit(due)
		behind, err := r.cfg.Outboxes.Before(ctx, r.topic, p.number, mark)
		switch {
		case contracts.KindOf(err) == contracts.Unsupported:
			mark = now // whatever is read from now on is received then or later
		case err != nil:
			return err
		case p.next < behind:
			return nil // its records come first
		}
		if err := r.advance(ctx, p, mark); err != nil {
			return err
		}
	}
}

func (r *reader) advance(ctx context.Context, p *partition, mark time.Time) error {
	if !mark.After(p.mark) {
		return nil
	}
	err := r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		if err := lease.Check(ctx, tx, r.lease); err != nil {
			return err
		}
		return watermark.Advance(ctx, tx, event.Reception{At: mark, Source: p.source, Epoch: p.epoch})
	})
	if err == nil {
		p.mark = mark
	}
	return err
}
