package kafkalog

import (
	"context"
	"log/slog"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

// partition is the function of one partition in one generation.
type partition struct {
	log    *Log
	logger *slog.Logger
	place
	// offset is the next one wanted; negative when the group has committed none.
	offset int64
	handle eventlog.Handler
	commit func(offset int64) error
}

// run fetches, delivers and commits until the context ends or a commit is refused. Returning ends the generation.
func (p *partition) run(ctx context.Context) {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		records, err := p.fetch(ctx)
		if err == nil && len(records) > 0 {
			if !p.deliver(ctx, records) {
				return
			}
			attempt = -1
			continue
		}
		if err == nil {
			attempt = -1
			continue // the broker held the request for FetchWait
		}
		if ctx.Err() != nil {
			return
		}
		p.logger.WarnContext(ctx, "cannot fetch yet", "offset", p.offset, "attempt", attempt, "error", err)
		if p.log.cfg.Retry.Wait(ctx, attempt) != nil {
			return
		}
	}
}

// deliver hands the records over in batches and commits each. It returns false when the function has to end.
func (p *partition) deliver(ctx context.Context, records []eventlog.Record) bool {
	report := func(attempt int, err error) {
		p.logger.WarnContext(ctx, "handler failed, batch is handed over again", "offset", p.offset, "attempt", attempt, "error", err)
	}
	for len(records) > 0 {
		n := min(len(records), p.log.cfg.MaxBatch)
		if eventlog.Deliver(ctx, p.handle, records[:n:n], p.log.cfg.Retry, report) != nil {
			return false
		}
		next := records[n-1].Offset + 1
		if err := p.commit(next); err != nil {
			// The generation is over or the coordinator has moved. The next generation hands the batch over again.
			p.logger.WarnContext(ctx, "offset is not committed, batch will be repeated", "offset", next, "error", err)
			_ = p.log.cfg.Retry.Wait(ctx, 0) // either way the function ends
			return false
		}
		p.offset, records = next, records[n:]
	}
	return true
}
