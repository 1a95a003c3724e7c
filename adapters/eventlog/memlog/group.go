package memlog

import (
	"context"
	"slices"
	"sync"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
)

// group is a consumer group. The Log's lock guards it.
type group struct {
	generation int64
	members    []*member
	committed  map[place]int64
}

// member is one running Consume.
type member struct {
	topics  []string
	settled int64
}

// place is a partition of a topic.
type place struct {
	topic     string
	partition int
}

// Consume implements eventlog.Consumer.
func (l *Log) Consume(ctx context.Context, name string, topics []string, handle eventlog.Handler) error {
	if err := eventlog.CheckConsume(name, topics, handle); err != nil {
		return err
	}
	g, m, err := l.join(name, topics)
	if err != nil {
		return err
	}
	defer l.leave(g, m)
	for {
		generation, places, ok := l.settle(ctx, g, m)
		if !ok {
			return nil
		}
		l.run(ctx, g, generation, places, handle)
	}
}

func (l *Log) join(name string, topics []string) (*group, *member, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, contracts.Errorf(contracts.Unavailable, "consume", "the log is closed")
	}
	g := l.groups[name]
	if g == nil {
		g = &group{committed: map[place]int64{}}
		l.groups[name] = g
	}
	m := &member{topics: topics}
	g.members = append(g.members, m)
	g.generation++
	l.announce()
	return g, m, nil
}

func (l *Log) leave(g *group, m *member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.members = slices.DeleteFunc(g.members, func(other *member) bool { return other == m })
	g.generation++
	l.announce()
}

// settle says that none of the member's functions runs any more and waits until that is true of all members. It returns
// the generation and the member's partitions in it, or false when the context has ended.
func (l *Log) settle(ctx context.Context, g *group, m *member) (generation int64, own []place, ok bool) {
	for {
		l.mu.Lock()
		if m.settled != g.generation {
			m.settled = g.generation
			l.announce()
		}
		generation = g.generation
		ready := !slices.ContainsFunc(g.members, func(other *member) bool { return other.settled != generation })
		if ready {
			own = l.divide(g, m)
		}
		changed := l.changed
		l.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return 0, nil, false
		case ready:
			return generation, own, true
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// divide returns the member's share of all partitions. The caller holds the lock.
func (l *Log) divide(g *group, m *member) []place {
	var own []place
	for _, topic := range m.topics {
		var candidates []*member
		for _, other := range g.members {
			if slices.Contains(other.topics, topic) {
				candidates = append(candidates, other)
			}
		}
		for partition := range l.topics[topic] {
			if candidates[partition%len(candidates)] == m {
				own = append(own, place{topic, partition})
			}
		}
	}
	return own
}

// run works on the partitions until the generation is over or the context has ended, and until all handles have
// returned.
func (l *Log) run(ctx context.Context, g *group, generation int64, places []place, handle eventlog.Handler) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	for _, p := range places {
		running.Go(func() { l.work(ctx, g, p, handle) })
	}
	for ctx.Err() == nil {
		l.mu.Lock()
		over, changed := g.generation != generation, l.changed
		l.mu.Unlock()
		if over {
			cancel() // before waiting for the handles: they end by it
			return
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// work hands over one partition until the context ends.
func (l *Log) work(ctx context.Context, g *group, p place, handle eventlog.Handler) {
	for ctx.Err() == nil {
		batch, changed := l.next(g, p)
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
			case <-changed:
			}
			continue
		}
		first := batch[0].Offset
		report := func(attempt int, err error) {
			l.cfg.Logger.WarnContext(ctx, "handler failed, batch is handed over again", "topic", p.topic,
				"partition", p.partition, "offset", first, "attempt", attempt, "error", err)
		}
		if eventlog.Deliver(ctx, handle, batch, l.cfg.Retry, report) != nil {
			return // the context has ended
		}
		l.mu.Lock()
		g.committed[p] = batch[len(batch)-1].Offset + 1
		l.mu.Unlock()
	}
}

// next copies the records behind the committed offset; the channel tells of a change.
func (l *Log) next(g *group, p place) ([]eventlog.Record, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	records := l.topics[p.topic][p.partition][g.committed[p]:]
	records = records[:min(len(records), l.cfg.MaxBatch)]
	batch := make([]eventlog.Record, len(records))
	for i, r := range records {
		batch[i] = clone(r)
	}
	return batch, l.changed
}
