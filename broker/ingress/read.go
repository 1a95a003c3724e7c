package ingress

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/watermark"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
)

// Declare makes deadlines wait for the topics of all authorities that speak Kafka, and for those of no others. It is called
// before anything may expire.
func (in *Ingress) Declare(ctx context.Context) error {
	err := in.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		for _, a := range in.cfg.Ring.Authorities() {
			if err := watermark.Declare(ctx, tx, source(answer.Topic(a), 0), a); err != nil {
				return err
			}
		}
		return forget(ctx, tx, in.cfg.Ring)
	})
	if err != nil {
		return fmt.Errorf("declare topics: %w", err)
	}
	in.cfg.Log.InfoContext(ctx, "authorities that speak Kafka", "authorities", len(in.cfg.Ring.Authorities()))
	return nil
}

// source names a partition as a source of answers.
func source(topic string, partition int) string { return topic + "/" + strconv.Itoa(partition) }

// leaseOf names the lease under which the topic of an authority is read.
func leaseOf(a authority.ID) string { return "ingress/" + string(a) }

// Run reads the topics of all authorities until the context ends, each while this process holds its lease.
func (in *Ingress) Run(ctx context.Context) error {
	var running sync.WaitGroup
	errs := make(chan error, len(in.cfg.Ring.Authorities()))
	for _, a := range in.cfg.Ring.Authorities() {
		running.Go(func() {
			errs <- in.cfg.Leases.Hold(ctx, leaseOf(a), func(ctx context.Context, l lease.Lease) error { return in.read(ctx, l, a) })
		})
	}
	running.Wait()
	close(errs)
	var out []error
	for err := range errs {
		out = append(out, err)
	}
	return errors.Join(out...)
}

// errLost says that the log is another one than that of the position.
var errLost = errors.New("the log does not hold what was read last")

// read reads one topic until the context ends.
func (in *Ingress) read(ctx context.Context, l lease.Lease, a authority.ID) error {
	defer in.fault(a, nil)
	topic := answer.Topic(a)
	for ctx.Err() == nil {
		err := in.compare(ctx)
		if err == nil {
			err = in.cfg.Outboxes.Ensure(ctx, topic)
		}
		if err == nil {
			in.fault(a, nil)
			err = in.follow(ctx, l, a)
		}
		if err == nil || ctx.Err() != nil {
			continue // follow returns at the end of the context, or to begin anew
		}
		in.fault(a, err)
		if !errors.Is(err, errClock) { // which is told once for all topics
			in.cfg.Log.ErrorContext(ctx, "topic of an authority cannot be read", "topic", topic, "error", err)
		}
		in.pause(ctx, in.cfg.Pause)
	}
	return nil
}

// follow reads the topic from its positions, and again from the beginning when the log turns out to be another one. It ends
// while the log's clock is off.
func (in *Ingress) follow(ctx context.Context, l lease.Lease, a authority.ID) error {
	held, end := context.WithCancelCause(ctx)
	defer end(nil)
	r := &reader{Ingress: in, lease: l, authority: a, topic: answer.Topic(a), end: end, partitions: map[int]*partition{}}
	var looking sync.WaitGroup
	looking.Go(func() { r.look(held) })
	err := in.cfg.Outboxes.Follow(held, r.topic, r.from, r.handle)
	end(nil)
	looking.Wait()
	switch cause := context.Cause(held); {
	case errors.Is(cause, errClock):
		return cause
	case errors.Is(cause, errLost):
		in.cfg.Log.ErrorContext(ctx, "the topic was lost and is read from its beginning", "topic", r.topic)
		return in.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
			if err := lease.Check(ctx, tx, l); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `delete from ingress_positions where topic = $1`, r.topic)
			return err
		})
	}
	return err
}

// reader reads one topic under one lease.
type reader struct {
	*Ingress
	lease     lease.Lease
	authority authority.ID
	topic     string
	// end ends the reading; its cause says why.
	end context.CancelCauseFunc

	mu         sync.Mutex
	partitions map[int]*partition
}

// partition is how far one partition was read.
type partition struct {
	number int
	source string
	epoch  int64
	// mu is held while a record is dealt with and while the watermark moves.
	mu    sync.Mutex
	next  int64     // the offset behind the last record that was dealt with
	last  string    // digest of that record's value until it was read again; "" when there is nothing to compare
	batch place     // the first record of the batch in hand
	mark  time.Time // no receipt is earlier
}

// place is a record in its place.
type place struct {
	offset int64
	digest string
}

// from takes a partition over and tells where to begin: at the record that was dealt with last, to see that it is still
// there, or at the first when it cannot be.
func (r *reader) from(ctx context.Context, number int) (int64, error) {
	p := &partition{number: number, source: source(r.topic, number)}
	end, err := r.cfg.Outboxes.End(ctx, r.topic, number)
	if err != nil {
		return 0, err
	}
	offset := int64(-1)
	err = r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		if err := lease.Check(ctx, tx, r.lease); err != nil {
			return err
		}
		if err := watermark.Declare(ctx, tx, p.source, r.authority); err != nil {
			return err
		}
		var err error
		if p.epoch, err = watermark.Take(ctx, tx, p.source); err != nil {
			return err
		}
		if offset, p.last, err = positionOf(ctx, tx, r.topic, number); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `select watermark from watermarks where source = $1`, p.source).Scan(&p.mark)
	})
	if err != nil {
		return 0, err
	}
	if offset >= end {
		r.cfg.Log.ErrorContext(ctx, "the topic was lost and is read from its beginning", "topic", r.topic, "partition", number, "position", offset, "end", end)
		offset, p.last = -1, ""
	}
	p.next = offset + 1
	r.mu.Lock()
	defer r.mu.Unlock()
	r.partitions[number] = p
	return offset, nil
}

// handle deals with a batch, record by record. A batch that failed comes whole again.
func (r *reader) handle(ctx context.Context, batch []Record) error {
	r.mu.Lock()
	p := r.partitions[batch[0].Partition]
	r.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	first := place{batch[0].Offset, digest(batch[0].Value)}
	again := first == p.batch
	p.batch = first
	for _, rec := range batch {
		if rec.Offset < p.next {
			if again || p.seen(rec) {
				continue
			}
			r.end(errLost)
			return contracts.Errorf(contracts.Unavailable, "read topic", "%w", errLost)
		}
		if err := r.deal(ctx, p, rec); err != nil {
			return err
		}
	}
	return nil
}

// seen tells whether the record is the one that was dealt with last, before this reader began.
func (p *partition) seen(rec Record) bool {
	last := p.last
	p.last = ""
	return rec.Offset == p.next-1 && digest(rec.Value) == last
}

// attempts is how often a record is tried that meets a fault of the broker itself.
const attempts = 5

// deal deals with one record. An error means that it comes again.
func (r *reader) deal(ctx context.Context, p *partition, rec Record) error {
	pause := r.cfg.Pause / 16
	for attempt := 1; ; attempt++ {
		sender, err := r.attempt(ctx, p, rec)
		if err == nil {
			p.next = rec.Offset + 1
			return nil
		}
		fault, final := faultOf(err)
		switch {
		case final:
		case contracts.KindOf(err) == contracts.Internal && attempt < attempts:
			r.pause(ctx, pause)
			pause *= 2
			continue
		case contracts.KindOf(err) == contracts.Internal && ctx.Err() == nil:
			r.cfg.Log.ErrorContext(ctx, "record cannot be dealt with", "topic", rec.Topic, "partition", rec.Partition, "offset", rec.Offset, "error", err)
			fault = cloudevent.FaultError(contracts.Internal.String())
		default:
			return err
		}
		if err := r.refuse(ctx, p, rec, Refusal{Authority: r.authority, Sender: sender, Reason: fault}); err != nil {
			return err
		}
		p.next = rec.Offset + 1
		return nil
	}
}

// attempt checks a record and records what follows; it names the sender once that is proven. A panic is a fault of the
// record.
func (r *reader) attempt(ctx context.Context, p *partition, rec Record) (sender string, err error) {
	defer func() {
		if v := recover(); v != nil {
			r.cfg.Log.ErrorContext(ctx, "reader panicked", "panic_type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			err = ErrPanic
		}
	}()
	if err := r.cfg.DB.Steady(ctx); err != nil {
		return "", fmt.Errorf("read the clock: %w", err)
	}
	if err := r.trusted(); err != nil {
		return "", err
	}
	at := p.clock(r.cfg.DB.Now())
	c, err := r.check(ctx, r.authority, rec, at)
	if err != nil || c.repeated {
		if err == nil {
			err = r.write(ctx, p, rec, p.mark, nil)
		}
		return c.viewer.ID, err
	}
	received, mark, err := r.received(ctx, p, rec, c.task, at)
	if err != nil {
		return c.viewer.ID, err
	}
	effect, err := c.prepare(ctx, Receipt{Reception: event.Reception{At: received, Source: p.source, Epoch: p.epoch}, Case: c.event.Subject})
	if err != nil {
		return c.viewer.ID, err
	}
	fault.Crash(fault.IngressChecked)
	err = r.write(ctx, p, rec, mark, func(ctx context.Context, tx *sqlstore.Tx) error {
		if err := effect(ctx, tx); err != nil {
			return err
		}
		return r.take(ctx, tx, c, rec, received)
	})
	if err == nil {
		fault.Crash(fault.IngressCommitted)
	}
	return c.viewer.ID, err
}

// refuse records the refusal of a record.
func (r *reader) refuse(ctx context.Context, p *partition, rec Record, why Refusal) error {
	return r.write(ctx, p, rec, p.mark, func(ctx context.Context, tx *sqlstore.Tx) error {
		return r.cfg.Refusals.Refuse(ctx, tx, rec, why)
	})
}

// write writes what follows from a record together with the position, under lease and epoch. The watermark moves first: what
// follows may wait for it.
func (r *reader) write(ctx context.Context, p *partition, rec Record, mark time.Time, effect Effect) error {
	err := r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		if err := lease.Check(ctx, tx, r.lease); err != nil {
			return err
		}
		if mark.After(p.mark) {
			if err := watermark.Advance(ctx, tx, event.Reception{At: mark, Source: p.source, Epoch: p.epoch}); err != nil {
				return err
			}
		}
		if effect != nil {
			if err := effect(ctx, tx); err != nil {
				return err
			}
		}
		return setPosition(ctx, tx, rec)
	})
	if err == nil && mark.After(p.mark) {
		p.mark = mark
	}
	return err
}

func (in *Ingress) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
