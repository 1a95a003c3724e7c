package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

// errStuck says that the broker has records behind the offset and hands none out.
var errStuck = errors.New("the broker holds records that it does not hand out")

// fetch asks for records from the offset on. Without records and without an error it took about FetchWait.
func (p *partition) fetch(ctx context.Context) ([]eventlog.Record, error) {
	if p.offset < 0 {
		first, err := p.firstOffset(ctx)
		if err != nil {
			return nil, err
		}
		p.offset = first
	}
	begin := time.Now()
	res, err := p.log.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: p.topic, Partition: p.partition, Offset: p.offset,
		MinBytes: 1, MaxBytes: int64(p.log.cfg.FetchBytes), MaxWait: p.log.cfg.FetchWait,
	})
	if err != nil {
		return nil, err
	}
	if errors.Is(res.Error, kafka.OffsetOutOfRange) {
		return nil, p.restart(ctx)
	}
	if res.Error != nil {
		return nil, res.Error
	}
	records, err := p.read(res.Records)
	if err != nil || len(records) > 0 {
		return records, err
	}
	if res.HighWatermark > p.offset {
		return nil, errStuck
	}
	// A broker that answers early is not asked again at once.
	return nil, pause(ctx, p.log.cfg.FetchWait/2-time.Since(begin))
}

// restart goes on at the first offset of the log after the broker said that it does not have the wanted one: records
// were deleted, or the log was lost and has begun again. Nothing may be skipped, so whatever there is comes (again).
func (p *partition) restart(ctx context.Context) error {
	first, err := p.firstOffset(ctx)
	if err != nil {
		return err
	}
	p.logger.ErrorContext(ctx, "wanted offset is outside the log, going on at its beginning", "offset", p.offset, "first", first)
	p.offset = first
	return nil
}

func (p *partition) firstOffset(ctx context.Context) (int64, error) {
	res, err := p.log.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{p.topic: {kafka.FirstOffsetOf(p.partition)}},
	})
	if err != nil {
		return 0, err
	}
	for _, found := range res.Topics[p.topic] {
		if found.Partition == p.partition {
			return found.FirstOffset, found.Error
		}
	}
	return 0, fmt.Errorf("first offset: %w", kafka.UnknownTopicOrPartition)
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	return eventlog.Backoff{Min: d, Max: d}.Wait(ctx, 0)
}
