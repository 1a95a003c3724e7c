package kafkalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

// maxRequestBytes is the most that one produce request carries of a partition: below the broker's default limit of
// 1,048,588 bytes for a batch, above eventlog.MaxRecordBytes.
const maxRequestBytes = 1_000_000

// place is a partition of a topic.
type place struct {
	topic     string
	partition int
}

// Publish implements eventlog.Publisher.
func (l *Log) Publish(ctx context.Context, records ...eventlog.Record) error {
	const op = "publish records"
	if err := l.checkOpen(op); err != nil {
		return err
	}
	for _, r := range records {
		if err := r.Validate(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.PublishTimeout)
	defer cancel()
	places, batches, err := l.route(ctx, records)
	if err != nil {
		return classify(op, err)
	}
	if len(places) == 1 {
		return classify(op, l.produceAll(ctx, places[0], batches[places[0]]))
	}
	results := make(chan error, len(places))
	for _, p := range places {
		go func() { results <- l.produceAll(ctx, p, batches[p]) }()
	}
	var failed []error
	for range places {
		failed = append(failed, <-results)
	}
	return classify(op, errors.Join(failed...))
}

// route divides the records by partition; within one they keep their order.
func (l *Log) route(ctx context.Context, records []eventlog.Record) ([]place, map[place][]eventlog.Record, error) {
	partitions := map[string][]int{}
	batches := map[place][]eventlog.Record{}
	var places []place
	for _, r := range records {
		ids, known := partitions[r.Topic]
		if !known {
			err := l.retry(ctx, "find partitions", func() (err error) {
				ids, err = l.partitions(ctx, r.Topic)
				return err
			})
			if err != nil {
				return nil, nil, err
			}
			partitions[r.Topic] = ids
		}
		p := place{r.Topic, partitionOf(r.Key, ids)}
		if batches[p] == nil {
			places = append(places, p)
		}
		batches[p] = append(batches[p], r)
	}
	return places, batches, nil
}

// produceAll produces the records of one partition, one request after the other.
func (l *Log) produceAll(ctx context.Context, p place, records []eventlog.Record) error {
	for len(records) > 0 {
		n, size := 1, records[0].Size()
		for n < len(records) && size+records[n].Size() <= maxRequestBytes {
			size += records[n].Size()
			n++
		}
		if err := l.retry(ctx, "produce", func() error { return l.produce(ctx, p, records[:n]) }); err != nil {
			return fmt.Errorf("topic %s: partition %d: %w", p.topic, p.partition, err)
		}
		records = records[n:]
	}
	return nil
}

// produce sends one request and waits for its acknowledgement.
func (l *Log) produce(ctx context.Context, p place, records []eventlog.Record) error {
	select {
	case l.inFlight <- struct{}{}:
		defer func() { <-l.inFlight }()
	case <-ctx.Done():
		return ctx.Err()
	}
	res, err := l.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: p.topic, Partition: p.partition, RequiredAcks: kafka.RequireAll, Records: toKafka(records),
	})
	if err != nil {
		return err
	}
	return res.Error
}
