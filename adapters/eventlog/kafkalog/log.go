package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
)

var _ eventlog.Log = (*Log)(nil)

// metadataTTL is how long a topic or a leader may be remembered wrongly.
const metadataTTL = 2 * time.Second

// Log is a client of one Kafka cluster.
type Log struct {
	cfg       Config
	mechanism sasl.Mechanism // nil without SASL
	transport *kafka.Transport
	client    *kafka.Client
	inFlight  chan struct{}
	closed    atomic.Bool
}

// New returns a client. It does not connect: a cluster that is away is waited for by each call. The caller closes it.
func New(cfg Config) (*Log, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	mechanism, err := newMechanism(cfg.SASL)
	if err != nil {
		return nil, err
	}
	transport := &kafka.Transport{
		ClientID: cfg.ClientID, DialTimeout: cfg.RequestTimeout, MetadataTTL: metadataTTL, TLS: cfg.TLS, SASL: mechanism, Dial: cfg.Dial,
	}
	return &Log{
		cfg: cfg, mechanism: mechanism, transport: transport,
		client:   &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Timeout: cfg.RequestTimeout, Transport: transport},
		inFlight: make(chan struct{}, cfg.MaxInFlight),
	}, nil
}

// Close implements eventlog.Log.
func (l *Log) Close() error {
	l.closed.Store(true)
	l.transport.CloseIdleConnections()
	return nil
}

// Ping implements eventlog.Log. It asks a broker itself: metadata would be answered from what the client remembers.
func (l *Log) Ping(ctx context.Context) error {
	if err := l.checkOpen("ping kafka"); err != nil {
		return err
	}
	res, err := l.client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err == nil {
		err = res.Error
	}
	return classify("ping kafka", err)
}

// EnsureTopic implements eventlog.Log. It returns when the topic has a leader for every partition.
func (l *Log) EnsureTopic(ctx context.Context, name string, partitions int) error {
	return l.ensure(ctx, "ensure topic", name, partitions)
}

func (l *Log) ensure(ctx context.Context, op, name string, partitions int, settings ...kafka.ConfigEntry) error {
	if err := l.checkOpen(op); err != nil {
		return err
	}
	if err := eventlog.CheckTopic(name); err != nil {
		return err
	}
	if partitions < 1 {
		return contracts.Errorf(contracts.Invalid, op, "there must be at least one partition")
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.PublishTimeout)
	defer cancel()
	return classify(op, l.retry(ctx, op, func() error {
		if _, err := l.partitions(ctx, name); err == nil {
			return nil
		}
		return l.createTopic(ctx, name, partitions, settings)
	}))
}

// createTopic returns nil when the topic exists, by this call or before, and has leaders.
func (l *Log) createTopic(ctx context.Context, name string, partitions int, settings []kafka.ConfigEntry) error {
	res, err := l.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: name, NumPartitions: partitions, ReplicationFactor: l.cfg.ReplicationFactor, ConfigEntries: settings,
	}}})
	if err != nil {
		return err
	}
	if err := res.Errors[name]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return err
	}
	_, err = l.partitions(ctx, name)
	return err
}

// partitions returns the ids of the topic's partitions, ascending, or an error when the topic is not known or not all
// leaders are.
func (l *Log) partitions(ctx context.Context, topic string) ([]int, error) {
	res, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	t := res.Topics[0]
	if t.Error != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, t.Error)
	}
	if len(t.Partitions) == 0 {
		return nil, fmt.Errorf("topic %s: %w", topic, kafka.LeaderNotAvailable)
	}
	ids := make([]int, len(t.Partitions))
	for i, p := range t.Partitions {
		if p.Error != nil {
			return nil, fmt.Errorf("topic %s: partition %d: %w", topic, p.ID, p.Error)
		}
		ids[i] = p.ID
	}
	return ids, nil
}

// retry repeats do until it succeeds, fails for good or the context ends.
func (l *Log) retry(ctx context.Context, op string, do func() error) error {
	for attempt := 0; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := do()
		if err == nil || !passing(err) {
			return err
		}
		l.cfg.Logger.DebugContext(ctx, "kafka request is repeated", "op", op, "attempt", attempt, "error", err)
		if ended := l.cfg.Retry.Wait(ctx, attempt); ended != nil {
			return fmt.Errorf("%w; last answer: %w", ended, err)
		}
	}
}

func (l *Log) checkOpen(op string) error {
	if l.closed.Load() {
		return contracts.Errorf(contracts.Unavailable, op, "the log is closed")
	}
	return nil
}
