package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// timestampType is the setting of a topic that says whose time its records carry.
const (
	timestampType = "message.timestamp.type"
	appendTime    = "LogAppendTime"
)

// EnsureStamped implements eventlog.Stamper.
func (l *Log) EnsureStamped(ctx context.Context, name string, partitions int, keep time.Duration) error {
	const op = "ensure stamped topic"
	if l.cfg.SenderTime {
		return l.EnsureTopic(ctx, name, partitions)
	}
	settings := []kafka.ConfigEntry{{ConfigName: timestampType, ConfigValue: appendTime}, {ConfigName: "retention.ms", ConfigValue: "-1"}}
	if keep > 0 { // a segment that is still written to is never deleted
		ms := strconv.FormatInt(keep.Milliseconds(), 10)
		settings[1].ConfigValue = ms
		settings = append(settings, kafka.ConfigEntry{ConfigName: "segment.ms", ConfigValue: ms})
	}
	if err := l.ensure(ctx, op, name, partitions, settings...); err != nil {
		return err
	}
	stamped, err := l.stamped(ctx, op, name)
	if err == nil && !stamped {
		err = contracts.Errorf(contracts.Conflict, op, "topic %s keeps the time of its senders; set %s=%s", name, timestampType, appendTime)
	}
	return err
}

// stamped asks for the topic's setting. It is not remembered: whoever may change it would make senders decide when they
// were in time.
func (l *Log) stamped(ctx context.Context, op, topic string) (bool, error) {
	if l.cfg.SenderTime {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.PublishTimeout)
	defer cancel()
	var value string
	err := l.retry(ctx, op, func() error {
		res, err := l.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{timestampType},
		}}})
		if err != nil {
			return err
		}
		for _, r := range res.Resources {
			if r.Error != nil {
				return r.Error
			}
			for _, e := range r.ConfigEntries {
				if e.ConfigName == timestampType {
					value = e.ConfigValue
				}
			}
		}
		return nil
	})
	return value == appendTime, classify(op, err)
}

// Before implements eventlog.Stamper.
func (l *Log) Before(ctx context.Context, topic string, at time.Time) (out []eventlog.Bound, err error) {
	const op = "find records before an instant"
	if err := l.checkOpen(op); err != nil {
		return nil, err
	}
	stamped, err := l.stamped(ctx, op, topic)
	if err != nil {
		return nil, err
	}
	if !stamped {
		return nil, contracts.Errorf(contracts.Unsupported, op, "topic %s is not stamped by its broker", topic)
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.PublishTimeout)
	defer cancel()
	err = l.retry(ctx, op, func() error {
		out, err = l.before(ctx, topic, at)
		return err
	})
	return out, classify(op, err)
}

// before reads the ends first: what is appended after that is appended after the instant, which has passed.
func (l *Log) before(ctx context.Context, topic string, at time.Time) ([]eventlog.Bound, error) {
	ids, err := l.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends, err := l.bounds(ctx, topic, ids)
	if err != nil {
		return nil, err
	}
	asked := make([]kafka.OffsetRequest, len(ids))
	for i, id := range ids {
		asked[i] = kafka.TimeOffsetOf(id, at)
	}
	res, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asked}})
	if err != nil {
		return nil, err
	}
	first := map[int]kafka.PartitionOffsets{}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("partition %d: %w", p.Partition, p.Error)
		}
		first[p.Partition] = p
	}
	out := make([]eventlog.Bound, len(ends))
	for i, end := range ends {
		out[i] = boundOf(end, first[end.Partition].Offsets)
	}
	return out, nil
}

// boundOf is the one offset that was found, or the end when the partition holds no record of that instant or later.
func boundOf(end event.Progress, found map[int64]time.Time) eventlog.Bound {
	for offset := range found {
		if offset >= 0 {
			return eventlog.Bound{Partition: end.Partition, Offset: offset}
		}
	}
	return eventlog.Bound{Partition: end.Partition, Offset: end.End}
}

// Stamps implements eventlog.Stamper.
func (l *Log) Stamps(ctx context.Context, topic string, now func() time.Time) ([]eventlog.Stamp, error) {
	const op = "read the clocks of kafka"
	if err := l.checkOpen(op); err != nil {
		return nil, err
	}
	if l.cfg.SenderTime {
		return nil, contracts.Errorf(contracts.Unsupported, op, "the broker stamps nothing")
	}
	leads, err := l.leads(ctx, topic)
	if err != nil {
		return nil, classify(op, err)
	}
	out := make([]eventlog.Stamp, 0, len(leads))
	for broker, partition := range leads {
		s := eventlog.Stamp{Broker: broker, Sent: now()}
		if s.Time, err = l.stamp(ctx, place{topic, partition}); err != nil {
			return nil, classify(op, fmt.Errorf("broker %d: %w", broker, err))
		}
		s.Answered = now()
		if s.Time.IsZero() {
			return nil, contracts.Errorf(contracts.Conflict, op, "topic %s keeps the time of its senders; set %s=%s", topic, timestampType, appendTime)
		}
		out = append(out, s)
	}
	return out, nil
}

// leads maps each broker that leads partitions of the topic to one of them.
func (l *Log) leads(ctx context.Context, topic string) (map[int]int, error) {
	res, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	if res.Topics[0].Error != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, res.Topics[0].Error)
	}
	out := map[int]int{}
	for _, p := range res.Topics[0].Partitions {
		if p.Error != nil {
			return nil, fmt.Errorf("topic %s: partition %d: %w", topic, p.ID, p.Error)
		}
		out[p.Leader.ID] = p.ID
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("topic %s: %w", topic, kafka.LeaderNotAvailable)
	}
	return out, nil
}

// Leaders implements eventlog.Stamper.
func (l *Log) Leaders(ctx context.Context, topics ...string) ([]int, error) {
	const op = "find the leaders of topics"
	if err := l.checkOpen(op); err != nil || len(topics) == 0 { // no name would ask for every topic
		return nil, err
	}
	res, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, classify(op, err)
	}
	var out []int
	for _, t := range res.Topics {
		if t.Error != nil && !errors.Is(t.Error, kafka.UnknownTopicOrPartition) {
			return nil, classify(op, fmt.Errorf("topic %s: %w", t.Name, t.Error))
		}
		for _, p := range t.Partitions {
			if p.Error != nil {
				return nil, classify(op, fmt.Errorf("topic %s: partition %d: %w", t.Name, p.ID, p.Error))
			}
			out = append(out, p.Leader.ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// stamp appends a record and tells the time that its broker gave it; zero when it gave none.
func (l *Log) stamp(ctx context.Context, p place) (time.Time, error) {
	res, err := l.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: p.topic, Partition: p.partition, RequiredAcks: kafka.RequireOne,
		Records: toKafka([]eventlog.Record{{Key: "clock", Value: []byte("?")}}),
	})
	if err != nil {
		return time.Time{}, err
	}
	return res.LogAppendTime, res.Error
}
