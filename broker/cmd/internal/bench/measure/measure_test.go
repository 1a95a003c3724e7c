package measure_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
)

func TestASpreadIsMinMedianAndMax(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   measure.Spread
	}{
		{nil, measure.Spread{}},
		{[]float64{3}, measure.Spread{Min: 3, Median: 3, Max: 3}},
		{[]float64{9, 1, 5}, measure.Spread{Min: 1, Median: 5, Max: 9}},
		{[]float64{4, 1, 2, 3}, measure.Spread{Min: 1, Median: 2.5, Max: 4}},
	} {
		if got := measure.SpreadOf(c.values); got != c.want {
			t.Errorf("%v: got %v, want %v", c.values, got, c.want)
		}
	}
}

func TestAQuantileIsAValueThatWasSeen(t *testing.T) {
	t.Parallel()
	var hundred []int
	for i := range 100 {
		hundred = append(hundred, 100-i)
	}
	for q, want := range map[float64]int{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := measure.Quantile(hundred, q); got != want {
			t.Errorf("quantile %v: got %d, want %d", q, got, want)
		}
	}
	if got := measure.Quantile([]int{}, 0.5); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}

func TestTheSlopeOfALine(t *testing.T) {
	t.Parallel()
	if got := measure.Slope([]float64{0, 1, 2, 3}, []float64{5, 3, 1, -1}); got != -2 {
		t.Errorf("got %v", got)
	}
	if got := measure.Slope([]float64{1}, []float64{1}); got != 0 {
		t.Errorf("of one point: %v", got)
	}
}

func TestSidesTakeTurnsAndTheWarmUpDoesNotCount(t *testing.T) {
	t.Parallel()
	var order []string
	side := func(name string) measure.Side {
		return func(_ context.Context, round int) (measure.Sample, error) {
			order = append(order, name)
			return measure.Sample{Operations: round, Wall: time.Second}, nil
		}
	}
	turns := 0
	got, err := measure.Interleave(t.Context(), 2, func() { turns++ }, side("a"), side("b"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "a", "b", "a", "b"}; !slices.Equal(order, want) || turns != 6 {
		t.Errorf("order %v, %d turns", order, turns)
	}
	for i, samples := range got {
		if rates := measure.Each(samples, measure.Sample.Rate); !slices.Equal(rates, []float64{1, 2}) {
			t.Errorf("side %d: %v", i, rates)
		}
	}
	if r := measure.Ratios([]float64{1, 9}, []float64{2, 3}); !slices.Equal(r, []float64{0.5, 3}) {
		t.Errorf("ratios %v", r)
	}
}

func TestEveryOperationIsDoneOnceAndAnErrorEndsAll(t *testing.T) {
	t.Parallel()
	var seen [10]atomic.Int64
	err := measure.Clients(t.Context(), 3, len(seen), func(_ context.Context, i int) error {
		seen[i].Add(1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range seen {
		if n := seen[i].Load(); n != 1 {
			t.Errorf("operation %d was done %d times", i, n)
		}
	}
	boom := errors.New("boom")
	if err := measure.Clients(t.Context(), 3, 10, func(context.Context, int) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}

func TestArrivalsKeepTheirRateWhateverTheyDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		done := make(chan time.Duration, 4)
		late, err := measure.Arrivals(t.Context(), 10, 4, 2, func(ctx context.Context, i int, due time.Time) error {
			if want := time.Duration(i) * 100 * time.Millisecond; due.Sub(began) != want {
				t.Errorf("operation %d was due after %v, want %v", i, due.Sub(began), want)
			}
			done <- time.Since(began)
			if i == 3 { // two are in hand until it ends
				return nil
			}
			timer := time.NewTimer(250 * time.Millisecond)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			return nil
		})
		if err != nil || late != 2 {
			t.Errorf("%d late, %v", late, err)
		}
		want := []time.Duration{0, 100 * time.Millisecond, 250 * time.Millisecond, 350 * time.Millisecond}
		for i, w := range want {
			if got := <-done; got != w {
				t.Errorf("operation %d began after %v, want %v", i, got, w)
			}
		}
	})
}

func TestWorkCostsTime(t *testing.T) {
	t.Parallel()
	s, err := measure.Timed(4, func() error {
		x := 0.0
		for i := range 20_000_000 {
			x += float64(i)
		}
		if x < 0 {
			return errors.New("never")
		}
		return nil
	})
	if err != nil || s.CPU <= 0 || s.Wall <= 0 || s.Rate() <= 0 || s.Price() <= 0 {
		t.Errorf("%+v, %v", s, err)
	}
	now, err := measure.RSS()
	if err != nil || now <= 0 {
		t.Errorf("resident: %d, %v", now, err)
	}
	if peak, err := measure.PeakRSS(); err != nil || peak < now/2 {
		t.Errorf("peak %d, %v", peak, err)
	}
}
