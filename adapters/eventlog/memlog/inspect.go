package memlog

import (
	"context"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// topic returns the partitions of a topic as they are now; records that are there never change.
func (l *Log) topic(op, name string) ([][]eventlog.Record, error) {
	if l.closed {
		return nil, contracts.Errorf(contracts.Unavailable, op, "the log is closed")
	}
	partitions, ok := l.topics[name]
	if !ok {
		return nil, contracts.Errorf(contracts.Unavailable, op, "topic %s does not exist", name)
	}
	return partitions, nil
}

// Progress implements eventlog.Inspector.
func (l *Log) Progress(_ context.Context, group, topic string) ([]event.Progress, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	partitions, err := l.topic("ask for progress", topic)
	if err != nil {
		return nil, err
	}
	out := make([]event.Progress, len(partitions))
	for i, records := range partitions {
		out[i] = event.Progress{Partition: i, End: int64(len(records))}
		if g := l.groups[group]; g != nil {
			out[i].Next = g.committed[place{topic, i}]
		}
	}
	return out, nil
}

// Ends implements eventlog.Inspector.
func (l *Log) Ends(_ context.Context, topic string) ([]eventlog.Bound, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	partitions, err := l.topic("find the ends of a topic", topic)
	out := make([]eventlog.Bound, len(partitions))
	for i, records := range partitions {
		out[i] = eventlog.Bound{Partition: i, Offset: int64(len(records))}
	}
	return out, err
}

// Route implements eventlog.Inspector.
func (l *Log) Route(_ context.Context, topic string, keys ...string) ([]int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	partitions, err := l.topic("find partitions", topic)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(keys))
	for i, key := range keys {
		out[i] = partitionOf(key, len(partitions))
	}
	return out, nil
}

// Scan implements eventlog.Inspector.
func (l *Log) Scan(ctx context.Context, topic string, visit func(eventlog.Record) error) error {
	l.mu.Lock()
	partitions, err := l.topic("scan topic", topic)
	held := make([][]eventlog.Record, len(partitions))
	copy(held, partitions)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	for _, records := range held {
		for _, r := range records {
			if err := ctx.Err(); err != nil {
				return contracts.Errorf(contracts.Unavailable, "scan topic", "%w", err)
			}
			if err := visit(clone(r)); err != nil {
				return err
			}
		}
	}
	return nil
}
