package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// Selection says which published events are published again. The zero Selection is all of them.
type Selection struct {
	// Case is the only case that counts; empty for all.
	Case string
	// After and UpTo bound case_seq of one case: After is excluded, UpTo included; 0 for no bound.
	After, UpTo int64
	// Since leaves out what was published before; zero for no bound.
	Since time.Time
}

// Replay has published events published again, and returns how many. Whoever consumes them drops what it has. What is
// not published yet is not counted.
func (r *Relay) Replay(ctx context.Context, s Selection) (int64, error) {
	defer r.nudge()
	if s.Case != "" {
		return r.unpublish(ctx, s, s.Case, s.Case)
	}
	var total int64
	after := ""
	for {
		first, last, err := r.caseRange(ctx, after)
		if err != nil || last == "" {
			return total, err
		}
		n, err := r.unpublish(ctx, s, first, last)
		total += n
		if err != nil {
			return total, err
		}
		after = last
	}
}

// caseRange is the first and the last of the next cases behind after, a number that one transaction can bear.
func (r *Relay) caseRange(ctx context.Context, after string) (first, last string, err error) {
	err = r.cfg.DB.Read().QueryRowContext(ctx, `select coalesce(min(id), ''), coalesce(max(id), '')
		from (select id from cases where id > $1 order by id limit $2) page`, after, gapPage).Scan(&first, &last)
	if err != nil {
		return "", "", fmt.Errorf("list cases: %w", err)
	}
	return first, last, nil
}

func (r *Relay) unpublish(ctx context.Context, s Selection, first, last string) (n int64, err error) {
	upTo := s.UpTo
	if upTo == 0 {
		upTo = 1<<63 - 1
	}
	err = r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		res, err := tx.Exec(ctx, `update outbox set published_at = null
			where case_id >= $1 and case_id <= $2 and case_seq > $3 and case_seq <= $4 and published_at is not null and published_at >= $5`,
			first, last, s.After, upTo, s.Since.UTC())
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("publish again: %w", err)
	}
	return n, nil
}

// Unpublished is the number of events that wait to be published.
func (r *Relay) Unpublished(ctx context.Context) (n int64, err error) {
	err = r.cfg.DB.Read().QueryRowContext(ctx, `select count(*) from outbox where published_at is null`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count outbox: %w", err)
	}
	return n, nil
}

// Drained waits until everything is published that was not when it was called, or until ctx ends.
func (r *Relay) Drained(ctx context.Context) error {
	const pause = 50 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	r.nudge()
	for {
		n, err := r.Unpublished(ctx)
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%d events are not published yet", n), ctx.Err())
		case <-tick.C:
		}
	}
}

// nudge wakes Run.
func (r *Relay) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// ReplayCase has all published events of a case published again.
func (r *Relay) ReplayCase(ctx context.Context, caseID string) (int64, error) {
	return r.Replay(ctx, Selection{Case: caseID})
}
