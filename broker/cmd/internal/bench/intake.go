package bench

import (
	"context"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/bare"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/world"
)

const rowsTitle = "one SQL transaction with the rows of the ledger alone, same database, same number of clients"

// outcome measures the intake of an event without new content.
func (r *run) outcome(ctx context.Context) (report.Figure, error) {
	base, err := r.rows(ctx, r.sizes.outcomes)
	if err != nil {
		return report.Figure{}, err
	}
	samples, err := r.interleave(ctx, func(ctx context.Context, _ int) (measure.Sample, error) { return r.answers(ctx, r.sizes.outcomes) }, base)
	if err != nil {
		return report.Figure{}, err
	}
	f := compared("durable intake of a task's outcome through the whole HTTP handler", rowsTitle, samples)
	f.Target = report.AtLeast("ratio", 0.6)
	if r.place.LedgerURL != "" {
		f.Target = report.AtLeast("ratio", 0.7)
	}
	r.inProcess(&f)
	return f, nil
}

// submission measures the intake of an application: new case key, content sealed and stored.
func (r *run) submission(ctx context.Context) (report.Figure, error) {
	base, err := r.rows(ctx, r.sizes.submissions)
	if err != nil {
		return report.Figure{}, err
	}
	app, err := r.world.Application(world.Region)
	if err != nil {
		return report.Figure{}, err
	}
	samples, err := r.interleave(ctx, func(ctx context.Context, _ int) (measure.Sample, error) {
		requests := make([]world.Request, r.sizes.submissions)
		for i := range requests {
			if requests[i], err = r.world.Submission(app, world.Region); err != nil {
				return measure.Sample{}, err
			}
		}
		return r.send(ctx, requests)
	}, base)
	if err != nil {
		return report.Figure{}, err
	}
	f := compared("durable intake of a submission: new case key, 4 KiB of content sealed and stored", rowsTitle, samples)
	f.Target = report.AtLeast("ratio", 0.35)
	r.inProcess(&f)
	return f, nil
}

// rows is the baseline of both.
func (r *run) rows(ctx context.Context, n int) (measure.Side, error) {
	rows, err := bare.NewRows(ctx, r.world.DB, r.options.Clients)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, _ int) (measure.Sample, error) {
		return measure.Timed(n, func() error { return measure.Clients(ctx, r.options.Clients, n, rows.Append) })
	}, nil
}

// answers prepares n tasks and times their answers.
func (r *run) answers(ctx context.Context, n int) (measure.Sample, error) {
	tasks, err := r.world.Tasks(ctx, r.options.Clients, n)
	if err != nil {
		return measure.Sample{}, err
	}
	requests, err := r.world.Answers(tasks)
	if err != nil {
		return measure.Sample{}, err
	}
	return r.send(ctx, requests)
}

// send times requests.
func (r *run) send(ctx context.Context, requests []world.Request) (measure.Sample, error) {
	return measure.Timed(len(requests), func() error {
		return measure.Clients(ctx, r.options.Clients, len(requests), func(ctx context.Context, i int) error {
			_, err := r.world.Do(ctx, requests[i])
			return err
		})
	})
}
