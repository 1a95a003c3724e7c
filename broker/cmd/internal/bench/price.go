package bench

import (
	"context"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/bare"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/world"
)

// priced are the stages of one round over the same events.
type priced struct{ ingress, relay, delivery measure.Sample }

func (p priced) sum() float64 { return p.ingress.Price() + p.relay.Price() + p.delivery.Price() }

// price is the list of what each stage costs in CPU, each run alone over the same events, beside the loop that anybody
// would write with kafka-go.
func (r *run) price(ctx context.Context) (_ report.Figure, err error) {
	loop, err := bare.NewCopy(ctx, *r.place.Kafka, r.events)
	if err != nil {
		return report.Figure{}, err
	}
	defer func() { // topics that stay are no reason to lose the figures
		if closing := loop.Close(context.WithoutCancel(ctx)); closing != nil {
			r.log.WarnContext(ctx, "the copy loop left something", "error", closing)
		}
	}()
	if err := loop.Await(ctx); err != nil {
		return report.Figure{}, err
	}
	var rounds []priced
	samples, err := r.interleave(ctx, func(ctx context.Context, round int) (measure.Sample, error) {
		p, err := r.stages(ctx)
		if err == nil && round > 0 {
			rounds = append(rounds, p)
		}
		return p.ingress, err
	}, func(ctx context.Context, _ int) (measure.Sample, error) {
		if err := loop.Fill(ctx, r.sizes.copied); err != nil {
			return measure.Sample{}, err
		}
		return measure.Timed(r.sizes.copied, func() error { return loop.Run(ctx, r.sizes.copied) })
	})
	if err != nil {
		return report.Figure{}, err
	}
	value := make([]float64, len(rounds))
	stages := make([][]float64, 3)
	for i, p := range rounds {
		value[i] = p.sum()
		for j, s := range []measure.Sample{p.ingress, p.relay, p.delivery} {
			stages[j] = append(stages[j], s.Price())
		}
	}
	base := measure.Each(samples[1], measure.Sample.Price)
	f := report.Figure{
		Title: "CPU of this process per event, sum of the stages", Unit: "µs", Value: measure.SpreadOf(value),
		Baseline: report.Baseline{Title: "kafka-go alone: Reader, parse, Writer; 4 KiB, 8 partitions, 3 targets, acks of all", Value: measure.SpreadOf(base)},
		Ratio:    measure.SpreadOf(measure.Ratios(value, base)), Operations: r.sizes.priced,
	}
	for j, title := range []string{
		"ingress (token, schema, policy of the door, dedupe, sequence, receipt, projections, outbox)",
		"relay (read, encode, publish, mark)", "delivery (fetch, decode, read the ledger, inbox row for every second event)",
	} {
		f.Parts = append(f.Parts, report.Part{Title: title, Unit: "µs", Value: measure.SpreadOf(stages[j])})
	}
	f.Parts = append(f.Parts, report.Part{Title: "copy loop", Unit: "1/s", Value: measure.SpreadOf(measure.Each(samples[1], measure.Sample.Rate))})
	if r.place.Form == Production {
		f.Target = report.AtMost("value", 600)
	}
	r.inProcess(&f)
	return f, nil
}

// stages runs one after the other: answers are taken in, then everything in the outbox is published, then delivered.
func (r *run) stages(ctx context.Context) (p priced, err error) {
	if p.ingress, err = r.answers(ctx, r.sizes.priced); err != nil {
		return p, fmt.Errorf("ingress: %w", err)
	}
	n, err := r.world.Unpublished(ctx)
	if err != nil {
		return p, err
	}
	pipe := r.world.Pipeline(r.events)
	p.relay, err = measure.Timed(n, func() error { return world.Until(ctx, r.world.Unpublished, pipe.Relay) })
	if err != nil {
		return p, fmt.Errorf("relay: %w", err)
	}
	p.delivery, err = measure.Timed(n, func() error { return world.Until(ctx, r.world.Undelivered, pipe.Deliver) })
	if err != nil {
		return p, fmt.Errorf("delivery: %w", err)
	}
	return p, nil
}
