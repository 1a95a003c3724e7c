package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

const (
	// joinPause is how long the group waits after a failed attempt to join.
	joinPause = 500 * time.Millisecond
	// partitionWatch is how often the group looks for added partitions.
	partitionWatch = 5 * time.Second
)

// Consume implements eventlog.Consumer.
func (l *Log) Consume(ctx context.Context, group string, topics []string, handle eventlog.Handler) error {
	if err := l.checkOpen("consume"); err != nil {
		return err
	}
	if err := eventlog.CheckConsume(group, topics, handle); err != nil {
		return err
	}
	logger := l.cfg.Logger.With("group", group)
	if !l.awaitTopics(ctx, logger, topics) {
		return nil
	}
	cg, err := kafka.NewConsumerGroup(l.groupConfig(ctx, logger, group, topics))
	if err != nil {
		return classify("consume", err)
	}
	defer cg.Close() //nolint:errcheck // it leaves the group, waits for the partitions' functions and always returns nil
	for attempt := 0; ; attempt++ {
		generation, err := cg.Next(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, kafka.ErrGroupClosed):
			return nil
		case err != nil:
			// A real broker answers "loading" or "coordinator not available" for a while: only the context ends a member.
			logger.WarnContext(ctx, "cannot join the group yet", "attempt", attempt, "error", err)
			if l.cfg.Retry.Wait(ctx, min(attempt, 4)) != nil {
				return nil
			}
			continue
		}
		attempt = -1
		logger.InfoContext(ctx, "generation of the group begins", "generation", generation.ID)
		for topic, assigned := range generation.Assignments {
			for _, a := range assigned {
				l.start(ctx, generation, place{topic, a.ID}, a.Offset, handle, logger)
			}
		}
	}
}

// start runs the function of one partition until the generation or the context ends.
func (l *Log) start(ctx context.Context, generation *kafka.Generation, p place, offset int64, handle eventlog.Handler, logger *slog.Logger) {
	f := &partition{
		log: l, place: p, offset: offset, handle: handle,
		logger: logger.With("topic", p.topic, "partition", p.partition),
		commit: func(offset int64) error {
			return generation.CommitOffsets(map[string]map[int]int64{p.topic: {p.partition: offset}})
		},
	}
	generation.Start(func(ended context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stop := context.AfterFunc(ended, cancel)
		defer stop()
		f.run(ctx)
	})
}

// awaitTopics waits until every topic exists: a member that joined before would never get its partitions. It returns
// false when the context has ended.
func (l *Log) awaitTopics(ctx context.Context, logger *slog.Logger, topics []string) bool {
	for _, topic := range topics {
		for attempt := 0; ; attempt++ {
			_, err := l.partitions(ctx, topic)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return false
			}
			logger.WarnContext(ctx, "topic cannot be consumed yet", "topic", topic, "attempt", attempt, "error", err)
			if l.cfg.Retry.Wait(ctx, min(attempt, 4)) != nil {
				return false
			}
		}
	}
	return true
}

func (l *Log) groupConfig(ctx context.Context, logger *slog.Logger, group string, topics []string) kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{
		ID: group, Brokers: l.cfg.Brokers, Topics: topics, StartOffset: kafka.FirstOffset,
		Dialer: &kafka.Dialer{
			ClientID: l.cfg.ClientID, Timeout: l.cfg.RequestTimeout, TLS: l.cfg.TLS, SASLMechanism: l.mechanism, DialFunc: l.cfg.Dial,
		},
		SessionTimeout: l.cfg.SessionTimeout, RebalanceTimeout: l.cfg.SessionTimeout, HeartbeatInterval: l.cfg.HeartbeatInterval,
		JoinGroupBackoff: joinPause, Timeout: l.cfg.RequestTimeout,
		WatchPartitionChanges: true, PartitionWatchInterval: partitionWatch,
		ErrorLogger: kafka.LoggerFunc(func(format string, args ...any) {
			logger.WarnContext(ctx, "kafka client reports", "detail", fmt.Sprintf(format, args...))
		}),
	}
}
