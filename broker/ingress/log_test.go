package ingress_test

import (
	"context"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/broker/ingress"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
)

// outbox is the topic of one authority with one partition, as the event log shows it.
type outbox struct {
	// stamping says that append times are known.
	stamping bool
	moved    bool // another broker leads the topic

	mu      sync.Mutex
	records []cloudevent.Record
	stamps  []time.Time
	changed chan struct{}
	// asked counts questions for append times.
	asked int
	// ahead is how far the log's clock is ahead, slow how long it takes to tell it, followers how many read it.
	ahead, slow time.Duration
	followers   int
	// hold keeps Follow from handing anything over until it is closed.
	hold chan struct{}
}

func newOutbox() *outbox { return &outbox{changed: make(chan struct{})} }

func (o *outbox) append(at time.Time, records ...cloudevent.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range records {
		o.records, o.stamps = append(o.records, r), append(o.stamps, at)
	}
	close(o.changed)
	o.changed = make(chan struct{})
}

// lose empties the topic, as a lost directory does.
func (o *outbox) lose() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records, o.stamps = nil, nil
}

func (o *outbox) Ensure(context.Context, string) error { return nil }

func (o *outbox) Follow(ctx context.Context, topic string, from func(context.Context, int) (int64, error), handle func(context.Context, []ingress.Record) error) error {
	o.follow(1)
	defer o.follow(-1)
	next, err := from(ctx, 0)
	for err != nil && ctx.Err() == nil {
		next, err = from(ctx, 0)
	}
	if o.hold != nil {
		select {
		case <-o.hold:
		case <-ctx.Done():
			return nil
		}
	}
	for ctx.Err() == nil {
		o.mu.Lock()
		if next < 0 || next > int64(len(o.records)) {
			next = 0
		}
		var batch []ingress.Record
		for i := next; i < min(int64(len(o.records)), next+3); i++ {
			batch = append(batch, ingress.Record{Record: o.records[i], Topic: topic, Offset: i})
		}
		changed := o.changed
		o.mu.Unlock()
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
			case <-changed:
			}
			continue
		}
		if handle(ctx, batch) == nil {
			next = batch[len(batch)-1].Offset + 1
		}
	}
	return nil
}

func (o *outbox) End(context.Context, string, int) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return int64(len(o.records)), nil
}

func (o *outbox) Before(_ context.Context, _ string, _ int, at time.Time) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if !o.stamping {
		return 0, contracts.Errorf(contracts.Unsupported, "before", "nothing is stamped")
	}
	for i, stamp := range o.stamps {
		if !stamp.Before(at) {
			return int64(i), nil
		}
	}
	return int64(len(o.stamps)), nil
}

func (o *outbox) follow(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.followers += n
}

func (o *outbox) set(ahead, slow time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ahead, o.slow = ahead, slow
}

// Stamps tells of one broker that stamps in the midst of the question.
func (o *outbox) Stamps(_ context.Context, now func() time.Time) ([]ingress.Stamp, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.stamping {
		return nil, contracts.Errorf(contracts.Unsupported, "stamps", "nothing is stamped")
	}
	at := now()
	return []ingress.Stamp{{Broker: 1, Time: at.Add(o.ahead).Truncate(time.Millisecond), Sent: at.Add(-o.slow / 2), Answered: at.Add(o.slow / 2)}}, nil
}

// Leaders are the broker that stamps, and one more when another leads the topic.
func (o *outbox) Leaders(context.Context, ...string) ([]int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.moved {
		return []int{1, 7}, nil
	}
	return []int{1}, nil
}

func (o *outbox) move(elsewhere bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moved = elsewhere
}
