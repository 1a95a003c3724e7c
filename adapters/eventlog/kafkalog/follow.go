package kafkalog

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

// Follow implements eventlog.Follower.
func (l *Log) Follow(ctx context.Context, topic string, from func(ctx context.Context, partition int) (int64, error), handle eventlog.Handler) error {
	if err := l.checkOpen("follow topic"); err != nil {
		return err
	}
	if err := eventlog.CheckFollow(topic, from, handle); err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	logger := l.cfg.Logger.With("topic", topic)
	tick := time.NewTicker(partitionWatch)
	defer tick.Stop()
	for followed := 0; l.awaitTopics(ctx, logger, []string{topic}); {
		ids, err := l.partitions(ctx, topic)
		if err != nil {
			logger.WarnContext(ctx, "cannot list the partitions", "error", err)
			ids = nil
		}
		for ; followed < len(ids); followed++ { // the ids of a topic count from 0, and partitions are only ever added
			p := place{topic, ids[followed]}
			running.Go(func() { l.follow(ctx, p, from, handle, logger.With("partition", p.partition)) })
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

// follow reads one partition until the context ends.
func (l *Log) follow(ctx context.Context, p place, from func(ctx context.Context, partition int) (int64, error), handle eventlog.Handler, logger *slog.Logger) {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		offset, err := from(ctx, p.partition)
		if err == nil {
			f := &partition{log: l, place: p, offset: offset, handle: handle, logger: logger, commit: func(int64) error { return nil }}
			f.run(ctx)
			return
		}
		logger.WarnContext(ctx, "position is not known yet", "attempt", attempt, "error", err)
		if l.cfg.Retry.Wait(ctx, attempt) != nil {
			return
		}
	}
}
