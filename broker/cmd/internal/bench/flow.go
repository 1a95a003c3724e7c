package bench

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/world"
)

// flow measures intake, relay and delivery at once. The tasks that are answered were given out before and wait in the
// outbox, so for each answer that is taken in two events are relayed and delivered, one of which makes an inbox row.
func (r *run) flow(ctx context.Context) (report.Figure, error) {
	var all []float64
	samples, err := r.interleave(ctx, func(ctx context.Context, round int) (measure.Sample, error) {
		s, n, err := r.flows(ctx)
		if err == nil && round > 0 {
			all = append(all, float64(n)/s.Wall.Seconds())
		}
		return s, err
	}, func(ctx context.Context, _ int) (measure.Sample, error) { return r.answers(ctx, r.sizes.flowed) })
	if err != nil {
		return report.Figure{}, err
	}
	f := compared("events taken in per second until each is published and delivered, no process", "intake alone, nothing behind it", samples)
	f.Target = report.AtLeast("value", 500)
	if r.embedded() {
		f.Target = report.AtLeast("value", 200)
	}
	f.Parts = []report.Part{{Title: "events published and delivered", Unit: "1/s", Value: measure.SpreadOf(all)}}
	f.Notes = []string{"For each event taken in, two are published and delivered and one inbox row is written."}
	r.inProcess(&f)
	return f, nil
}

// flows runs one round and returns how many events were published and delivered.
func (r *run) flows(ctx context.Context) (s measure.Sample, n int, err error) {
	if err := r.world.Settle(ctx); err != nil {
		return s, 0, err
	}
	pipe := r.world.Pipeline(r.events)
	pipe.Gate = make(chan struct{})
	running, stop := context.WithCancel(ctx)
	defer stop()
	background, running := errgroup.WithContext(running)
	background.Go(func() error { return pipe.Deliver(running) })
	background.Go(func() error { return pipe.Relay(running) })
	defer func() {
		stop()
		if ended := background.Wait(); !errors.Is(ended, context.Canceled) {
			err = errors.Join(err, ended)
		}
	}()
	tasks, err := r.world.Tasks(ctx, r.options.Clients, r.sizes.flowed)
	if err != nil {
		return s, 0, err
	}
	requests, err := r.world.Answers(tasks)
	if err != nil {
		return s, 0, err
	}
	if n, err = r.world.Unpublished(ctx); err != nil {
		return s, 0, err
	}
	s, err = measure.Timed(len(requests), func() error {
		close(pipe.Gate)
		if _, err := r.send(ctx, requests); err != nil {
			return err
		}
		return world.Drained(ctx, r.world.Behind)
	})
	if err != nil {
		return s, 0, fmt.Errorf("flow: %w", err)
	}
	return s, n + len(requests), nil
}
