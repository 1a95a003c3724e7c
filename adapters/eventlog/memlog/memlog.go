package memlog

import (
	"bytes"
	"context"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
)

var _ eventlog.Log = (*Log)(nil)

// Config shapes a Log.
type Config struct {
	// MaxBatch is the largest number of records in a batch. Defaults to 500.
	MaxBatch int
	// Retry is the pause between attempts to hand over a batch. Defaults to 1 ms up to 50 ms.
	Retry eventlog.Backoff
	// Logger hears of failed attempts. Defaults to discarding.
	Logger *slog.Logger
}

// Log is an event log in memory.
type Log struct {
	cfg Config

	mu     sync.Mutex
	closed bool
	topics map[string][][]eventlog.Record // topic → partition → offset
	stamps map[string][][]time.Time       // the same of stamped topics: when each record was appended
	groups map[string]*group
	// changed is closed and replaced at every change of the fields above.
	changed chan struct{}
}

// New returns an empty log.
func New(cfg Config) *Log {
	if cfg.MaxBatch == 0 {
		cfg.MaxBatch = 500
	}
	if cfg.Retry == (eventlog.Backoff{}) {
		cfg.Retry = eventlog.Backoff{Min: time.Millisecond, Max: 50 * time.Millisecond}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Log{
		cfg: cfg, topics: map[string][][]eventlog.Record{}, stamps: map[string][][]time.Time{}, groups: map[string]*group{}, changed: make(chan struct{}),
	}
}

// Publish implements eventlog.Publisher.
func (l *Log) Publish(ctx context.Context, records ...eventlog.Record) error {
	for _, r := range records {
		if err := r.Validate(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return contracts.Errorf(contracts.Unavailable, "publish records", "%w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return contracts.Errorf(contracts.Unavailable, "publish records", "the log is closed")
	}
	for _, r := range records {
		if _, ok := l.topics[r.Topic]; !ok {
			return contracts.Errorf(contracts.Unavailable, "publish records", "topic %s does not exist", r.Topic)
		}
	}
	for _, r := range records {
		l.append(r)
	}
	l.announce()
	return nil
}

// append adds a copy of the record to its partition. The caller holds the lock.
func (l *Log) append(r eventlog.Record) {
	partitions := l.topics[r.Topic]
	r = clone(r)
	r.Partition = partitionOf(r.Key, len(partitions))
	r.Offset = int64(len(partitions[r.Partition]))
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	r.Time = r.Time.UTC().Truncate(time.Millisecond)
	partitions[r.Partition] = append(partitions[r.Partition], r)
	if stamps := l.stamps[r.Topic]; stamps != nil {
		stamps[r.Partition] = append(stamps[r.Partition], time.Now())
	}
}

// EnsureTopic implements eventlog.Log.
func (l *Log) EnsureTopic(_ context.Context, name string, partitions int) error {
	if err := eventlog.CheckTopic(name); err != nil {
		return err
	}
	if partitions < 1 {
		return contracts.Errorf(contracts.Invalid, "ensure topic", "there must be at least one partition")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return contracts.Errorf(contracts.Unavailable, "ensure topic", "the log is closed")
	}
	if _, ok := l.topics[name]; ok {
		return nil
	}
	l.topics[name] = make([][]eventlog.Record, partitions)
	for _, g := range l.groups {
		g.generation++
	}
	l.announce()
	return nil
}

// Ping implements eventlog.Log.
func (l *Log) Ping(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return contracts.Errorf(contracts.Unavailable, "ping log", "the log is closed")
	}
	return nil
}

// Close implements eventlog.Log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

// announce wakes everybody who waits for a change. The caller holds the lock.
func (l *Log) announce() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func partitionOf(key string, partitions int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash never fails
	return int(h.Sum32()&0x7fffffff) % partitions
}

func clone(r eventlog.Record) eventlog.Record {
	r.Value = bytes.Clone(r.Value)
	r.Headers = slices.Clone(r.Headers)
	for i, h := range r.Headers {
		r.Headers[i].Value = bytes.Clone(h.Value)
	}
	return r
}
