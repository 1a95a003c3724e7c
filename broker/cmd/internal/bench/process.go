package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/world"
)

// process measures whole cases: submitted, announced, answered, closed by the process. The baseline is Temporal with as
// many signals and activities, which are counted in the history of the first case.
func (r *run) process(ctx context.Context) (report.Figure, error) {
	samples, err := r.cases(ctx)
	if err != nil {
		return report.Figure{}, err
	}
	f := compared("whole cases per second: submission, task, outcome, announcements, end",
		fmt.Sprintf("bare Temporal on the same server: 2 signals and %d activities, which do nothing", r.plan.Before+r.plan.After), samples)
	f.Target = report.AtLeast("ratio", 0.8)
	f.Notes = []string{fmt.Sprintf("%d cases are in hand at a time.", r.sizes.inFlight)}
	r.inProcess(&f)
	return f, nil
}

func (r *run) cases(ctx context.Context) ([][]measure.Sample, error) {
	if err := r.shape(ctx); err != nil {
		return nil, err
	}
	samples, err := r.interleave(ctx, r.wholeCases, r.bareCases)
	if err == nil {
		r.rate = measure.SpreadOf(measure.Each(samples[0], measure.Sample.Rate)).Median
	}
	return samples, err
}

// shape runs one case and reads its history, once.
func (r *run) shape(ctx context.Context) error {
	if r.plan.Before > 0 {
		return nil
	}
	if err := r.bare.Start(); err != nil {
		return err
	}
	w, err := r.world.Watch(ctx)
	if err != nil {
		return err
	}
	defer w.Stop()
	caseID, err := r.wholeCase(ctx, w)
	if err != nil {
		return err
	}
	r.plan, err = r.bare.Shape(ctx, caseID)
	return err
}

func (r *run) wholeCases(ctx context.Context, _ int) (measure.Sample, error) {
	w, err := r.world.Watch(ctx)
	if err != nil {
		return measure.Sample{}, err
	}
	defer w.Stop()
	return measure.Timed(r.sizes.cases, func() error {
		return measure.Clients(ctx, r.sizes.inFlight, r.sizes.cases, func(ctx context.Context, _ int) error {
			_, err := r.wholeCase(ctx, w)
			return err
		})
	})
}

// wholeCase runs one case to its end.
func (r *run) wholeCase(ctx context.Context, w *world.Watch) (string, error) {
	a, err := r.announced(ctx, w, nil)
	if err != nil {
		return "", err
	}
	answer, err := r.world.Outcome(world.Task{ID: a.Task, Case: a.Case, Holder: world.Office})
	if err != nil {
		return "", err
	}
	if _, err := r.world.Do(ctx, answer); err != nil {
		return "", err
	}
	return a.Case, w.Closed(ctx, a.Case)
}

// announced submits a case and waits until its task is in the inbox. accepted, if given, hears when the receipt was there.
func (r *run) announced(ctx context.Context, w *world.Watch, accepted func()) (world.Announcement, error) {
	app, err := r.world.Application(world.Region)
	if err != nil {
		return world.Announcement{}, err
	}
	submission, err := r.world.Submission(app, world.Region)
	if err != nil {
		return world.Announcement{}, err
	}
	caseID, err := r.world.Submit(ctx, submission)
	if err != nil {
		return world.Announcement{}, err
	}
	if accepted != nil {
		accepted()
	}
	return w.Arrival(ctx, caseID)
}

func (r *run) bareCases(ctx context.Context, _ int) (measure.Sample, error) {
	return measure.Timed(r.sizes.cases, func() error {
		return measure.Clients(ctx, r.sizes.inFlight, r.sizes.cases, func(ctx context.Context, _ int) error {
			id := uuid.NewString()
			if err := r.bare.Begin(ctx, id, r.plan); err != nil {
				return err
			}
			return r.finish(ctx, id)
		})
	})
}

// finish waits for what a bare process does, and answers it.
func (r *run) finish(ctx context.Context, id string) error {
	if err := r.bare.Done(ctx, id, r.plan.Before); err != nil {
		return err
	}
	if err := r.bare.Answer(ctx, id); err != nil {
		return err
	}
	return r.bare.Done(ctx, id, r.plan.Before+r.plan.After)
}

// latency measures the way from a receipt to the inbox of the office, under an open load of half the rate of whole cases.
// The baseline is the way from a signal to the last activity behind it, at the same load.
func (r *run) latency(ctx context.Context) (report.Figure, error) {
	if r.rate == 0 {
		if _, err := r.cases(ctx); err != nil {
			return report.Figure{}, err
		}
	}
	load := r.rate / 2
	var delays [2][]time.Duration
	late := 0
	sides := make([]measure.Side, 2)
	for i, one := range []func(context.Context, *world.Watch) (time.Duration, error){r.delayed, r.bareDelayed} {
		sides[i] = func(ctx context.Context, round int) (measure.Sample, error) {
			took, waited, err := r.arrive(ctx, load, r.sizes.cases, one)
			if round > 0 {
				delays[i], late = append(delays[i], took...), late+waited
			}
			return measure.Sample{Operations: len(took), Wall: measure.Quantile(took, 0.99)}, err
		}
	}
	samples, err := r.interleave(ctx, sides...)
	if err != nil {
		return report.Figure{}, err
	}
	p99 := func(s measure.Sample) float64 { return milliseconds(s.Wall) }
	value, base := measure.Each(samples[0], p99), measure.Each(samples[1], p99)
	f := report.Figure{
		Title: fmt.Sprintf("p99 from receipt to inbox at %.1f cases per second (half of the rate of whole cases, open loop)", load), Unit: "ms",
		Value: measure.SpreadOf(value), Ratio: measure.SpreadOf(measure.Ratios(value, base)), Operations: r.sizes.cases,
		Baseline: report.Baseline{Title: fmt.Sprintf("p99 of bare Temporal from the signal to the %d. activity at the same load", r.plan.Before), Value: measure.SpreadOf(base)},
		Target:   report.AtMost("ratio", 3),
	}
	for i, title := range []string{"receipt to inbox", "bare Temporal"} {
		all := measure.Spread{Min: milliseconds(measure.Quantile(delays[i], 0)), Median: milliseconds(measure.Quantile(delays[i], 0.5)), Max: milliseconds(measure.Quantile(delays[i], 1))}
		f.Parts = append(f.Parts, report.Part{Title: title + ", all rounds together: fastest / median / slowest", Unit: "ms", Value: all})
	}
	if late > 0 {
		f.Notes = append(f.Notes, fmt.Sprintf("The load could not be kept: %d arrivals had to wait.", late))
	}
	return f, nil
}

// mostInHand bounds the open loop.
const mostInHand = 256

// arrive lets cases arrive and returns the delay of each.
func (r *run) arrive(ctx context.Context, load float64, n int, one func(context.Context, *world.Watch) (time.Duration, error)) ([]time.Duration, int, error) {
	w, err := r.world.Watch(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer w.Stop()
	var mu sync.Mutex
	var took []time.Duration
	late, err := measure.Arrivals(ctx, load, n, mostInHand, func(ctx context.Context, _ int, _ time.Time) error {
		d, err := one(ctx, w)
		mu.Lock()
		defer mu.Unlock()
		took = append(took, d)
		return err
	})
	return took, late, err
}

// delayed runs a case and returns how long after its receipt the task was in the inbox.
func (r *run) delayed(ctx context.Context, w *world.Watch) (time.Duration, error) {
	var accepted time.Time
	a, err := r.announced(ctx, w, func() { accepted = time.Now() })
	if err != nil {
		return 0, err
	}
	took := time.Since(accepted)
	answer, err := r.world.Outcome(world.Task{ID: a.Task, Case: a.Case, Holder: world.Office})
	if err != nil {
		return 0, err
	}
	if _, err := r.world.Do(ctx, answer); err != nil {
		return 0, err
	}
	return took, w.Closed(ctx, a.Case)
}

// bareDelayed runs a bare process and returns how long after its signal the last activity behind it had run.
func (r *run) bareDelayed(ctx context.Context, _ *world.Watch) (time.Duration, error) {
	id := uuid.NewString()
	if err := r.bare.Begin(ctx, id, r.plan); err != nil {
		return 0, err
	}
	signalled := time.Now()
	if err := r.bare.Done(ctx, id, r.plan.Before); err != nil {
		return 0, err
	}
	took := time.Since(signalled)
	if err := r.bare.Answer(ctx, id); err != nil {
		return 0, err
	}
	return took, r.bare.Done(ctx, id, r.plan.Before+r.plan.After)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
