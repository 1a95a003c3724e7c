package eventlogtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

// patience bounds every wait of the suite: longer than a rebalance on a loaded machine, shorter than a test timeout.
const patience = 60 * time.Second

// setup is a log with a topic and a group that no other case uses.
type setup struct {
	*testing.T
	log          eventlog.Log
	ctx          context.Context //nolint:containedctx // the case's own, ended by its cleanup
	topic, group string
}

func newSetup(t *testing.T, l eventlog.Log) *setup {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	unique := rand.Text()[:10]
	s := &setup{T: t, log: l, ctx: ctx, topic: "suite." + unique, group: "suite-" + unique}
	t.Cleanup(func() {
		if err := s.log.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func (s *setup) ensure(topic string, partitions int) {
	s.Helper()
	if err := s.log.EnsureTopic(s.ctx, topic, partitions); err != nil {
		s.Fatalf("ensure topic: %v", err)
	}
}

func (s *setup) publish(records ...eventlog.Record) {
	s.Helper()
	if err := s.log.Publish(s.ctx, records...); err != nil {
		s.Fatalf("publish: %v", err)
	}
}

// record is the n-th record of a key.
func (s *setup) record(key string, n int) eventlog.Record {
	return eventlog.Record{Topic: s.topic, Key: key, Value: fmt.Appendf(nil, "%s/%d", key, n)}
}

func (s *setup) sequence(key string, from, to int) []eventlog.Record {
	var records []eventlog.Record
	for n := from; n < to; n++ {
		records = append(records, s.record(key, n))
	}
	return records
}

// consumer is a running Consume.
type consumer struct {
	cancel context.CancelFunc
	done   chan error
}

func (s *setup) consume(group string, handle eventlog.Handler, topics ...string) *consumer {
	s.Helper()
	if len(topics) == 0 {
		topics = []string{s.topic}
	}
	ctx, cancel := context.WithCancel(s.ctx)
	c := &consumer{cancel: cancel, done: make(chan error, 1)}
	go func() { c.done <- s.log.Consume(ctx, group, topics, handle) }()
	s.Cleanup(func() { c.stop(s.T) })
	return c
}

// stop ends the consumer and waits until it has left its group. It may be called again.
func (c *consumer) stop(t *testing.T) {
	t.Helper()
	c.cancel()
	select {
	case err, running := <-c.done:
		if running {
			close(c.done)
		}
		if err != nil {
			t.Errorf("consume: %v", err)
		}
	case <-time.After(patience):
		t.Error("consume did not end with its context")
	}
}

// inbox collects what handlers received.
type inbox struct {
	mu      sync.Mutex
	records []eventlog.Record
	changed chan struct{}
}

func newInbox() *inbox { return &inbox{changed: make(chan struct{})} }

func (b *inbox) handle(_ context.Context, batch []eventlog.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = append(b.records, batch...)
	close(b.changed)
	b.changed = make(chan struct{})
	return nil
}

func (b *inbox) all() ([]eventlog.Record, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clip(b.records), b.changed
}

// await waits until enough says yes to all records received so far and returns them.
func (b *inbox) await(ctx context.Context, t *testing.T, enough func([]eventlog.Record) bool) []eventlog.Record {
	t.Helper()
	for {
		records, changed := b.all()
		if enough(records) {
			return records
		}
		select {
		case <-ctx.Done():
			t.Fatalf("gave up waiting with %d records received", len(records))
		case <-changed:
		}
	}
}

// values waits until each of the values has arrived at least once and returns all that arrived.
func (b *inbox) values(ctx context.Context, t *testing.T, want []eventlog.Record) []eventlog.Record {
	t.Helper()
	return b.await(ctx, t, func(got []eventlog.Record) bool {
		missing := map[string]bool{}
		for _, r := range want {
			missing[string(r.Value)] = true
		}
		for _, r := range got {
			delete(missing, string(r.Value))
		}
		return len(missing) == 0
	})
}

// await waits for a signal.
func await[T any](ctx context.Context, t *testing.T, what string, signal <-chan T) T {
	t.Helper()
	select {
	case v := <-signal:
		return v
	case <-ctx.Done():
		t.Fatalf("gave up waiting for %s", what)
		panic("unreachable")
	}
}

// inOrder checks that the records of each partition arrived by offset when repeats are left out: a repeat starts again at
// a record already seen, but no record may arrive before the one in front of it.
func inOrder(t *testing.T, records []eventlog.Record) {
	t.Helper()
	type place struct {
		topic     string
		partition int
	}
	next := map[place]int64{}
	for _, r := range records {
		p := place{r.Topic, r.Partition}
		if r.Offset > next[p] {
			t.Errorf("%s/%d: offset %d arrived before %d", r.Topic, r.Partition, r.Offset, next[p])
		}
		next[p] = max(next[p], r.Offset+1)
	}
}

var errAgain = errors.New("handler asks for another attempt")
