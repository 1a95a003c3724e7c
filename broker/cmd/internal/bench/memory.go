package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/world"
)

// idleFor is how long an idle broker is watched.
const idleFor = 5 * time.Second

// idle measures the memory of a broker that has started and has nothing to do.
func (r *run) idle(ctx context.Context) (report.Figure, error) {
	span := idleFor
	if r.options.Quick {
		span = idleFor / 10
	}
	seen, err := watchMemory(ctx, span)
	if err != nil {
		return report.Figure{}, err
	}
	f := report.Figure{
		Title: "memory of the program with the broker running and nothing to do", Unit: "MiB", Value: measure.SpreadOf(seen.rss),
		Baseline: report.Baseline{Title: "the program before the broker was opened", Value: measure.SpreadOf([]float64{r.bareMB})}, Operations: 1,
	}
	f.Ratio = measure.SpreadOf(measure.Ratios([]float64{f.Value.Median}, []float64{r.bareMB}))
	if r.place.Form == Production {
		f.Target = report.AtMost("value", 128)
	}
	if r.embedded() {
		f.Notes = append(f.Notes, "The engines are embedded: memory of this process contains theirs.")
	}
	return f, nil
}

// judgedFrom is how many minutes it takes to see a leak.
const judgedFrom = 10

// memory watches the memory under half the rate of whole cases. The first quarter of the time warms up.
func (r *run) memory(ctx context.Context) (report.Figure, error) {
	if r.rate == 0 {
		if _, err := r.cases(ctx); err != nil {
			return report.Figure{}, err
		}
	}
	span := time.Duration(r.options.Minutes * float64(time.Minute))
	load := r.rate / 2
	var seen memory
	watched, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		var err error
		seen, err = watchMemory(watched, 2*span+world.Stalled)
		done <- err
	}()
	took, late, err := r.arrive(ctx, load, max(int(load*span.Seconds()), 1), r.delayed)
	stop()
	if watching := <-done; err == nil {
		err = watching
	}
	if err != nil {
		return report.Figure{}, err
	}
	seen = seen.behind(len(seen.rss) / 4)
	quarter := max(len(seen.rss)/4, 1)
	begin, end := measure.SpreadOf(seen.rss[:quarter]), measure.SpreadOf(seen.rss[len(seen.rss)-quarter:])
	f := report.Figure{
		Title: fmt.Sprintf("memory at the end of %.3g minutes with %.1f cases per second (half of the rate of whole cases)", r.options.Minutes, load), Unit: "MiB",
		Value: end, Baseline: report.Baseline{Title: "memory at the beginning, after a quarter of the time", Value: begin},
		Ratio: measure.SpreadOf([]float64{end.Median / begin.Median}), Operations: len(took),
		Parts: []report.Part{{Title: "slope", Unit: "MiB a minute", Value: measure.SpreadOf([]float64{measure.Slope(seen.minutes, seen.rss)})}},
	}
	if r.options.Minutes >= judgedFrom {
		f.Target = report.AtMost("ratio", 1.05)
	} else {
		f.Notes = append(f.Notes, fmt.Sprintf("It is judged from %d minutes on (--minutes).", judgedFrom))
	}
	if late > 0 {
		f.Notes = append(f.Notes, fmt.Sprintf("The load could not be kept: %d arrivals had to wait.", late))
	}
	return f, nil
}

// memory is what was seen at which minute.
type memory struct{ minutes, rss []float64 }

func (m memory) behind(n int) memory { return memory{m.minutes[n:], m.rss[n:]} }

// watchMemory looks ten times a second until span is over or ctx ends.
func watchMemory(ctx context.Context, span time.Duration) (m memory, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; {
		rss, err := measure.RSS()
		if err != nil {
			return m, err
		}
		m.minutes, m.rss = append(m.minutes, time.Since(began).Minutes()), append(m.rss, mebibytes(rss))
		if time.Since(began) > span {
			return m, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return m, nil
		}
	}
}
