package memlog

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
)

// Follow implements eventlog.Follower.
func (l *Log) Follow(ctx context.Context, topic string, from func(ctx context.Context, partition int) (int64, error), handle eventlog.Handler) error {
	if err := eventlog.CheckFollow(topic, from, handle); err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	for followed := false; ; {
		l.mu.Lock()
		closed, partitions, changed := l.closed, len(l.topics[topic]), l.changed
		l.mu.Unlock()
		if closed && !followed {
			return contracts.Errorf(contracts.Unavailable, "follow topic", "the log is closed")
		}
		if !followed && partitions > 0 {
			followed = true
			for p := range partitions {
				running.Go(func() { l.follow(ctx, place{topic, p}, from, handle) })
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

func (l *Log) follow(ctx context.Context, p place, from func(ctx context.Context, partition int) (int64, error), handle eventlog.Handler) {
	var offset int64
	for attempt := 0; ; attempt++ {
		var err error
		if offset, err = from(ctx, p.partition); err == nil {
			break
		}
		if l.cfg.Retry.Wait(ctx, attempt) != nil {
			return
		}
	}
	// A group of its own: what it has handed over is committed in there and nowhere else.
	l.mu.Lock()
	if offset < 0 || offset > int64(len(l.topics[p.topic][p.partition])) {
		offset = 0
	}
	g := &group{committed: map[place]int64{p: offset}}
	l.mu.Unlock()
	l.work(ctx, g, p, handle)
}

// EnsureStamped implements eventlog.Stamper.
func (l *Log) EnsureStamped(ctx context.Context, name string, partitions int, _ time.Duration) error {
	l.mu.Lock()
	_, exists := l.topics[name]
	stamped := l.stamps[name] != nil
	if !exists && partitions > 0 {
		l.stamps[name] = make([][]time.Time, partitions)
	}
	l.mu.Unlock()
	if exists && !stamped {
		return contracts.Errorf(contracts.Conflict, "ensure stamped topic", "topic %s keeps the time of its senders", name)
	}
	return l.EnsureTopic(ctx, name, partitions)
}

// Before implements eventlog.Stamper.
func (l *Log) Before(_ context.Context, topic string, at time.Time) ([]eventlog.Bound, error) {
	const op = "find records before an instant"
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.topic(op, topic); err != nil {
		return nil, err
	}
	stamps := l.stamps[topic]
	if stamps == nil {
		return nil, contracts.Errorf(contracts.Unsupported, op, "topic %s is not stamped", topic)
	}
	out := make([]eventlog.Bound, len(stamps))
	for i, times := range stamps {
		out[i] = eventlog.Bound{Partition: i, Offset: int64(sort.Search(len(times), func(j int) bool { return !times[j].Before(at) }))}
	}
	return out, nil
}

// Stamps implements eventlog.Stamper.
func (l *Log) Stamps(ctx context.Context, topic string, now func() time.Time) ([]eventlog.Stamp, error) {
	l.mu.Lock()
	stamped := l.stamps[topic] != nil
	l.mu.Unlock()
	if !stamped {
		return nil, contracts.Errorf(contracts.Conflict, "read the clock of the log", "topic %s is not stamped", topic)
	}
	sent := now()
	if err := l.Publish(ctx, eventlog.Record{Topic: topic, Key: "clock", Value: []byte("?")}); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	stamps := l.stamps[topic]
	last := stamps[partitionOf("clock", len(stamps))]
	return []eventlog.Stamp{{Time: last[len(last)-1], Sent: sent, Answered: now()}}, nil
}

// Leaders implements eventlog.Stamper: there is one broker, number 0.
func (l *Log) Leaders(_ context.Context, topics ...string) ([]int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range topics {
		if _, err := l.topic("find the leaders of topics", name); err == nil {
			return []int{0}, nil
		}
	}
	return nil, nil
}
