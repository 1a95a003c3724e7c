package measure

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// Sample is what a number of operations cost.
type Sample struct {
	Operations int
	Wall, CPU  time.Duration
}

// Rate is the number of operations per second of the wall clock.
func (s Sample) Rate() float64 { return float64(s.Operations) / s.Wall.Seconds() }

// Price is the CPU time of this process per operation, in microseconds.
func (s Sample) Price() float64 { return float64(s.CPU.Microseconds()) / float64(s.Operations) }

// Spread is how a value lay over the rounds.
type Spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// SpreadOf returns the zero Spread for no values.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := sorted[len(sorted)/2]
	if len(sorted)%2 == 0 {
		middle = (middle + sorted[len(sorted)/2-1]) / 2
	}
	return Spread{Min: sorted[0], Median: middle, Max: sorted[len(sorted)-1]}
}

// Quantile is the smallest value that at least the share q of all values do not exceed; 0 of no values.
func Quantile[T cmp.Ordered](values []T, q float64) T {
	var zero T
	if len(values) == 0 {
		return zero
	}
	sorted := slices.Sorted(slices.Values(values))
	at := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(at, 0), len(sorted)-1)]
}

// Slope is the change of y per unit of x along the line of least squares; 0 of fewer than two points.
func Slope(x, y []float64) float64 {
	n := float64(len(x))
	if len(x) < 2 || len(x) != len(y) {
		return 0
	}
	var sx, sy, sxx, sxy float64
	for i := range x {
		sx, sy, sxx, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	if d := n*sxx - sx*sx; d != 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}

// Timed runs work and returns what its operations cost.
func Timed(operations int, work func() error) (Sample, error) {
	before, err := CPU()
	if err != nil {
		return Sample{}, err
	}
	began := time.Now()
	if err := work(); err != nil {
		return Sample{}, err
	}
	s := Sample{Operations: operations, Wall: time.Since(began)}
	after, err := CPU()
	s.CPU = after - before
	return s, err
}

// Side is one of the things that are compared. Round 0 warms up.
type Side func(ctx context.Context, round int) (Sample, error)

// Interleave lets the sides take turns, one warm-up and then rounds times, and returns the samples of each side. After
// each turn it calls turned.
func Interleave(ctx context.Context, rounds int, turned func(), sides ...Side) ([][]Sample, error) {
	out := make([][]Sample, len(sides))
	for round := range rounds + 1 {
		for i, side := range sides {
			s, err := side(ctx, round)
			if err != nil {
				return nil, fmt.Errorf("round %d: %w", round, err)
			}
			if round > 0 {
				out[i] = append(out[i], s)
			}
			turned()
		}
	}
	return out, nil
}

// Each maps samples to values.
func Each(samples []Sample, value func(Sample) float64) []float64 {
	out := make([]float64, len(samples))
	for i, s := range samples {
		out[i] = value(s)
	}
	return out
}

// Ratios divides round by round, so that what disturbs both sides of a round cancels out.
func Ratios(values, baseline []float64) []float64 {
	out := make([]float64, min(len(values), len(baseline)))
	for i := range out {
		out[i] = values[i] / baseline[i]
	}
	return out
}
