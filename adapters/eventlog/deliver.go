package eventlog

import (
	"context"
	"time"
)

// Backoff says how long to wait between attempts: Min after the first, twice as long after each further one, never more
// than Max.
type Backoff struct {
	Min, Max time.Duration
}

// After is the pause after the given attempt, counted from 0.
func (b Backoff) After(attempt int) time.Duration {
	d := b.Min
	for range attempt {
		if d >= b.Max {
			break
		}
		d *= 2
	}
	return min(d, b.Max)
}

// Wait pauses after the given attempt. It returns the context's error when that ends first.
func (b Backoff) Wait(ctx context.Context, attempt int) error {
	timer := time.NewTimer(b.After(attempt))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Deliver hands the batch over until handle returns nil, which Deliver then returns, or until the context ends, whose
// error it then returns. Every failed attempt is reported. A handle that returned nil counts even when the context has
// ended meanwhile.
func Deliver(ctx context.Context, handle Handler, batch []Record, b Backoff, report func(attempt int, err error)) error {
	for attempt := 0; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := handle(ctx, batch)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		report(attempt, err)
		if err := b.Wait(ctx, attempt); err != nil {
			return err
		}
	}
}
