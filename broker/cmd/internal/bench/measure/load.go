package measure

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// Clients runs operations 0 … n-1 from a number of clients, each of which begins its next one when its last is done (a
// closed loop). A client takes the numbers that are its own modulo the number of clients. The first error ends all.
func Clients(ctx context.Context, clients, n int, operate func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for client := range clients {
		group.Go(func() error {
			for i := client; i < n; i += clients {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := operate(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// Arrivals begins operations at a fixed rate per second, whether earlier ones are done or not (an open loop), and returns
// when all have ended. Each is told the instant at which it was due, from which its delay counts. At most limit run at the
// same time; how many had to wait for that is returned, and is 0 when the rate was kept.
func Arrivals(ctx context.Context, rate float64, n, limit int, operate func(ctx context.Context, i int, due time.Time) error) (late int, err error) {
	group, ctx := errgroup.WithContext(ctx)
	running := make(chan struct{}, limit)
	began := time.Now()
	for i := range n {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if !await(ctx, due) {
			break
		}
		select {
		case running <- struct{}{}:
		default:
			late++
			select {
			case running <- struct{}{}:
			case <-ctx.Done():
				return late, group.Wait()
			}
		}
		group.Go(func() error {
			defer func() { <-running }()
			return operate(ctx, i, due)
		})
	}
	return late, group.Wait()
}

// await returns true at the instant, false when ctx ends before.
func await(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
