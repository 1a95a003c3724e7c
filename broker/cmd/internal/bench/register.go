package bench

import (
	"context"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/world"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// places is among how many authorities the cases are spread, at every size of the register.
const places = 8

// register measures what an event costs when the register of authorities grows: a case is submitted, its task given out
// and answered. The sizes take turns in one ledger.
func (r *run) register(ctx context.Context) (report.Figure, error) {
	reg, err := r.world.Register(ctx)
	if err != nil {
		return report.Figure{}, err
	}
	sides := make([]measure.Side, len(r.sizes.levels))
	for i, level := range r.sizes.levels {
		sides[i] = func(ctx context.Context, _ int) (measure.Sample, error) { return r.registered(ctx, reg, level) }
	}
	samples, err := r.interleave(ctx, sides...)
	if err != nil {
		return report.Figure{}, err
	}
	if err := reg.Resize(ctx, 0); err != nil {
		return report.Figure{}, err
	}
	last := len(sides) - 1
	value, base := measure.Each(samples[last], measure.Sample.Price), measure.Each(samples[0], measure.Sample.Price)
	f := report.Figure{
		Title: fmt.Sprintf("CPU of an event (submission, task, outcome) with %d authorities", r.sizes.levels[last]), Unit: "µs",
		Value: measure.SpreadOf(value), Ratio: measure.SpreadOf(measure.Ratios(value, base)), Operations: samples[0][0].Operations,
		Baseline: report.Baseline{
			Title: fmt.Sprintf("the same with %d authorities: those that the product carries and those of the cases", max(r.sizes.levels[0], reg.Smallest())),
			Value: measure.SpreadOf(base),
		},
		Target: report.AtMost("ratio", 1.1),
	}
	for i, level := range r.sizes.levels[1:] {
		of := samples[i+1]
		f.Parts = append(f.Parts,
			report.Part{Title: fmt.Sprintf("CPU ratio with %d", level), Unit: "×", Value: measure.SpreadOf(measure.Ratios(measure.Each(of, measure.Sample.Price), base))},
			report.Part{
				Title: fmt.Sprintf("time of the wall clock, ratio with %d", level), Unit: "×",
				Value: measure.SpreadOf(measure.Ratios(measure.Each(samples[0], measure.Sample.Rate), measure.Each(of, measure.Sample.Rate))),
			})
	}
	r.inProcess(&f)
	return f, nil
}

// registered runs cases in places of a register of some size. An event is a third of an operation's work.
func (r *run) registered(ctx context.Context, reg *world.Register, level int) (measure.Sample, error) {
	if err := reg.Resize(ctx, level); err != nil {
		return measure.Sample{}, err
	}
	at := reg.Places(places)
	requests := make([]world.Request, r.sizes.registered)
	holders := make([]authority.ID, len(requests))
	for i := range requests {
		place := at[i%len(at)]
		app, err := r.world.Application(place.Region)
		if err != nil {
			return measure.Sample{}, err
		}
		if requests[i], err = r.world.Submission(app, place.Region); err != nil {
			return measure.Sample{}, err
		}
		holders[i] = place.Authority
	}
	const eventsOfACase = 3
	return measure.Timed(eventsOfACase*len(requests), func() error {
		return measure.Clients(ctx, r.options.Clients, len(requests), func(ctx context.Context, i int) error {
			caseID, err := r.world.Submit(ctx, requests[i])
			if err != nil {
				return err
			}
			task, err := r.world.Assign(ctx, caseID, holders[i], 1)
			if err != nil {
				return err
			}
			answer, err := r.world.Outcome(task)
			if err != nil {
				return err
			}
			_, err = r.world.Do(ctx, answer)
			return err
		})
	})
}
