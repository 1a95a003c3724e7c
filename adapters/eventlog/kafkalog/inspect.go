package kafkalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Progress implements eventlog.Inspector.
func (l *Log) Progress(ctx context.Context, group, topic string) (out []event.Progress, err error) {
	const op = "ask for progress"
	if err := l.checkOpen(op); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.PublishTimeout)
	defer cancel()
	err = l.retry(ctx, op, func() error {
		out, err = l.progress(ctx, group, topic)
		return err
	})
	return out, classify(op, err)
}

// progress reads commits before ends, so that a commit behind its end is one that the partition does not hold.
func (l *Log) progress(ctx context.Context, group, topic string) ([]event.Progress, error) {
	ids, err := l.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	committed, err := l.committed(ctx, group, topic, ids)
	if err != nil {
		return nil, err
	}
	bounds, err := l.bounds(ctx, topic, ids)
	if err != nil {
		return nil, err
	}
	for i, b := range bounds {
		next, ok := committed[b.Partition]
		if !ok || next < b.First || next > b.End {
			next = b.First
		}
		bounds[i].Next = next
	}
	return bounds, nil
}

func (l *Log) committed(ctx context.Context, group, topic string, ids []int) (map[int]int64, error) {
	res, err := l.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: ids}})
	if err != nil {
		return nil, err
	}
	out := map[int]int64{}
	if errors.Is(res.Error, kafka.GroupIdNotFound) {
		return out, nil // it has never committed anything
	}
	if res.Error != nil {
		return nil, res.Error
	}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("partition %d: %w", p.Partition, p.Error)
		}
		if p.CommittedOffset >= 0 {
			out[p.Partition] = p.CommittedOffset
		}
	}
	return out, nil
}

// bounds are the first and the next offset of each partition.
func (l *Log) bounds(ctx context.Context, topic string, ids []int) ([]event.Progress, error) {
	var asked []kafka.OffsetRequest
	for _, id := range ids {
		asked = append(asked, kafka.FirstOffsetOf(id), kafka.LastOffsetOf(id))
	}
	res, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asked}})
	if err != nil {
		return nil, err
	}
	out := make([]event.Progress, 0, len(ids))
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("partition %d: %w", p.Partition, p.Error)
		}
		out = append(out, event.Progress{Partition: p.Partition, First: p.FirstOffset, End: p.LastOffset})
	}
	if len(out) != len(ids) {
		return nil, fmt.Errorf("%d of %d partitions answered: %w", len(out), len(ids), kafka.LeaderNotAvailable)
	}
	slices.SortFunc(out, func(a, b event.Progress) int { return cmp.Compare(a.Partition, b.Partition) })
	return out, nil
}

// Ends implements eventlog.Inspector.
func (l *Log) Ends(ctx context.Context, topic string) ([]eventlog.Bound, error) {
	const op = "find the ends of a topic"
	if err := l.checkOpen(op); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.PublishTimeout)
	defer cancel()
	var out []eventlog.Bound
	err := l.retry(ctx, op, func() error {
		ids, err := l.partitions(ctx, topic)
		if err != nil {
			return err
		}
		bounds, err := l.bounds(ctx, topic, ids)
		out = make([]eventlog.Bound, len(bounds))
		for i, b := range bounds {
			out[i] = eventlog.Bound{Partition: b.Partition, Offset: b.End}
		}
		return err
	})
	return out, classify(op, err)
}

// Route implements eventlog.Inspector.
func (l *Log) Route(ctx context.Context, topic string, keys ...string) ([]int, error) {
	const op = "find partitions"
	if err := l.checkOpen(op); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.PublishTimeout)
	defer cancel()
	var ids []int
	err := l.retry(ctx, op, func() (err error) {
		ids, err = l.partitions(ctx, topic)
		return err
	})
	if err != nil {
		return nil, classify(op, err)
	}
	out := make([]int, len(keys))
	for i, key := range keys {
		out[i] = partitionOf(key, ids)
	}
	return out, nil
}

// partitionOf is the partition to which every client of the topic sends a key.
func partitionOf(key string, ids []int) int {
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: []byte(key)}, ids...)
}

// Scan implements eventlog.Inspector.
func (l *Log) Scan(ctx context.Context, topic string, visit func(eventlog.Record) error) error {
	const op = "scan topic"
	if err := l.checkOpen(op); err != nil {
		return err
	}
	var bounds []event.Progress
	err := l.retry(ctx, op, func() error {
		ids, err := l.partitions(ctx, topic)
		if err != nil {
			return err
		}
		bounds, err = l.bounds(ctx, topic, ids)
		return err
	})
	if err != nil {
		return classify(op, err)
	}
	for _, b := range bounds {
		if err := l.scan(ctx, topic, b, visit); err != nil {
			return err
		}
	}
	return nil
}

// scan reads one partition from its first to its last record; an error of visit comes back as it is.
func (l *Log) scan(ctx context.Context, topic string, b event.Progress, visit func(eventlog.Record) error) error {
	p := &partition{log: l, logger: l.cfg.Logger.With("topic", topic, "partition", b.Partition), place: place{topic, b.Partition}, offset: b.First}
	for p.offset < b.End {
		var records []eventlog.Record
		err := l.retry(ctx, "scan", func() (err error) {
			records, err = p.fetch(ctx)
			return err
		})
		if err != nil {
			return classify("scan topic", fmt.Errorf("partition %d: %w", b.Partition, err))
		}
		for _, r := range records {
			if r.Offset >= b.End {
				return nil
			}
			if err := visit(r); err != nil {
				return err
			}
			p.offset = r.Offset + 1
		}
	}
	return nil
}
