package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/assembly"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/bare"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/world"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Forms of a place.
const (
	// Embedded is everything in one process, on SQLite.
	Embedded = "embedded"
	// Production is the broker over outside engines, on PostgreSQL.
	Production = "production"
	// SQLite is the broker's stores alone.
	SQLite = "sqlite"
)

// Place is what the broker stands on.
type Place struct {
	// Form is Embedded, Production or SQLite.
	Form string
	// Dir is an empty directory, for this run alone.
	Dir string
	// LedgerURL and KeysURL are PostgreSQL databases to which nothing but the migrations was applied. Default to files in
	// Dir.
	LedgerURL, KeysURL string
	// Kafka is the event log, whose topic of cases is empty, and Temporal the process engine, "host:port", whose namespace
	// runs nothing. Both or none; without them only figures are measured that need none.
	Kafka               *kafkalog.Config
	Temporal, Namespace string
}

// Options say how to measure.
type Options struct {
	// Only names the figures. Defaults to all that the place allows.
	Only []string
	// Clients work at the same time. Defaults to 8.
	Clients int
	// Rounds count, after one that does not. Defaults to 5.
	Rounds int
	// Minutes is how long memory is watched. Defaults to 1; the figure is judged from 10 on.
	Minutes float64
	// Quick shows in seconds that everything works; the figures mean nothing.
	Quick bool
}

func (o Options) withDefaults() Options {
	if o.Clients == 0 {
		o.Clients = 8
	}
	if o.Rounds == 0 {
		o.Rounds = 5
	}
	if o.Minutes == 0 {
		o.Minutes = 1
	}
	if o.Quick {
		o.Clients, o.Rounds, o.Minutes = min(o.Clients, 2), 1, 0.05
	}
	return o
}

// run is one run of the benchmark.
type run struct {
	place   Place
	options Options
	sizes   sizes
	log     *slog.Logger
	bar     *progress

	world  *world.World
	events *kafkalog.Log // nil without an event log
	bare   *bare.Process // nil without a process engine
	bareMB float64       // memory of the program before the broker was opened
	rate   float64       // cases per second of the whole way, once it was measured
	plan   bare.Plan
}

// Run measures. Progress goes to told. When it fails in the midst, the report holds the figures that were measured. It returns Invalid for an unknown figure, one that the place cannot give or an
// impossible option, Conflict when an engine of the place is in use.
func Run(ctx context.Context, place Place, options Options, told io.Writer, log *slog.Logger) (_ report.Report, err error) {
	options = options.withDefaults()
	chosen, err := choose(place, options)
	if err != nil {
		return report.Report{}, err
	}
	machine, err := report.Inspect(place.Dir)
	if err != nil {
		return report.Report{}, err
	}
	r := &run{place: place, options: options, sizes: sizesOf(options), log: log, bar: newProgress(told, chosen, options)}
	out := report.Report{Date: time.Now().UTC(), Form: place.Form, Machine: machine, Settings: report.Settings{
		Clients: options.Clients, Rounds: options.Rounds, Quick: options.Quick, Minutes: options.Minutes,
	}}
	if err := r.connect(ctx, chosen); err != nil {
		return out, errors.Join(err, r.disconnect())
	}
	defer func() { err = errors.Join(err, r.disconnect()) }()
	// What needs the running broker comes first, on a new heap; then each stage by itself.
	for _, running := range []bool{true, false} {
		now := slices.DeleteFunc(slices.Clone(chosen), func(f figure) bool { return (f.needs == engine) != running })
		measured, err := r.open(ctx, running, now)
		out.Figures = append(out.Figures, measured...)
		if err != nil {
			return out, err
		}
	}
	r.bar.end()
	out.PeakRSS, err = measure.PeakRSS()
	return out, err
}

// connect opens the clients of the engines that the figures need and refuses engines that are in use.
func (r *run) connect(ctx context.Context, chosen []figure) (err error) {
	if !slices.ContainsFunc(chosen, func(f figure) bool { return f.needs >= eventLog }) {
		return nil
	}
	if r.events, err = kafkalog.New(*r.place.Kafka); err != nil {
		return err
	}
	if err := r.events.EnsureTopic(ctx, event.Topic, partitions); err != nil {
		return fmt.Errorf("make topic %s: %w", event.Topic, err)
	}
	err = r.events.Scan(ctx, event.Topic, func(eventlog.Record) error { return errInUse })
	if errors.Is(err, errInUse) {
		return contracts.Errorf(contracts.Conflict, "benchmark", "the topic %s %w; want an event log for the benchmark alone", event.Topic, err)
	}
	if err != nil {
		return fmt.Errorf("look at topic %s: %w", event.Topic, err)
	}
	if !slices.ContainsFunc(chosen, func(f figure) bool { return f.needs == engine }) {
		return nil
	}
	if r.bare, err = bare.NewProcess(ctx, r.place.Temporal, r.place.Namespace); err != nil {
		return err
	}
	n, err := r.bare.Running(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		return contracts.Errorf(contracts.Conflict, "benchmark", "%d processes run in the namespace %s; want one for the benchmark alone", n, r.place.Namespace)
	}
	return nil
}

var errInUse = errors.New("holds records")

// partitions of the topic of cases.
const partitions = 8

func (r *run) disconnect() error {
	if r.bare != nil {
		r.bare.Close()
	}
	if r.events != nil {
		return r.events.Close()
	}
	return nil
}

// open measures figures over a broker that runs, or over its parts.
func (r *run) open(ctx context.Context, running bool, figures []figure) (out []report.Figure, err error) {
	if len(figures) == 0 {
		return nil, nil
	}
	before, err := measure.RSS()
	if err != nil {
		return nil, err
	}
	r.bareMB = mebibytes(before)
	r.world, err = world.Open(ctx, world.Config{
		Dir: r.place.Dir, LedgerURL: r.place.LedgerURL, KeysURL: r.place.KeysURL, Own: r.world != nil, Log: r.log,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.world.Stop(context.WithoutCancel(ctx))) }()
	if running {
		engines := assembly.Engines{Events: r.events, Partitions: partitions, Temporal: r.place.Temporal, Namespace: r.place.Namespace}
		if err := r.world.Start(ctx, engines); err != nil {
			return nil, err
		}
	}
	for _, f := range figures {
		r.bar.begin(f.name)
		if !running {
			if err := r.world.Settle(ctx); err != nil {
				return out, err
			}
		}
		measured, err := f.measure(r, ctx)
		if err != nil {
			return out, fmt.Errorf("figure %s: %w", f.name, err)
		}
		measured.Name = f.name
		measured.Judge()
		out = append(out, measured)
	}
	return out, nil
}

// interleave takes turns and counts them for people.
func (r *run) interleave(ctx context.Context, sides ...measure.Side) ([][]measure.Sample, error) {
	return measure.Interleave(ctx, r.options.Rounds, r.bar.turn, sides...)
}

// compared is a figure of rates: the value against the baseline.
func compared(title, baseline string, samples [][]measure.Sample) report.Figure {
	value, base := measure.Each(samples[0], measure.Sample.Rate), measure.Each(samples[1], measure.Sample.Rate)
	return report.Figure{
		Title: title, Unit: "1/s", Value: measure.SpreadOf(value), Baseline: report.Baseline{Title: baseline, Value: measure.SpreadOf(base)},
		Ratio:         measure.SpreadOf(measure.Ratios(value, base)),
		Price:         measure.SpreadOf(measure.Each(samples[0], measure.Sample.Price)).Median,
		BaselinePrice: measure.SpreadOf(measure.Each(samples[1], measure.Sample.Price)).Median,
		Operations:    samples[0][0].Operations,
	}
}

func (r *run) embedded() bool { return r.place.Form == Embedded }

// inProcess is said wherever CPU is counted.
func (r *run) inProcess(f *report.Figure) {
	if r.embedded() {
		f.Notes = append(f.Notes, "The engines are embedded: CPU of this process contains theirs.")
	}
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// choose picks the figures and refuses what cannot be measured.
func choose(place Place, o Options) ([]figure, error) {
	if o.Clients < 1 || o.Clients > 256 || o.Rounds < 1 || o.Rounds > 100 || o.Minutes <= 0 || o.Minutes > 24*60 {
		return nil, contracts.Errorf(contracts.Invalid, "benchmark", "want 1 to 256 clients, 1 to 100 rounds and more than 0 minutes")
	}
	able := slices.DeleteFunc(figures(), func(f figure) bool { return f.needs != store && place.Kafka == nil })
	if len(o.Only) == 0 {
		return able, nil
	}
	var out []figure
	for _, f := range able {
		if slices.Contains(o.Only, f.name) {
			out = append(out, f)
		}
	}
	for _, name := range o.Only {
		if !slices.ContainsFunc(able, func(f figure) bool { return f.name == name }) {
			return nil, contracts.Errorf(contracts.Invalid, "benchmark", "no figure %q can be measured here; want some of %s", name, strings.Join(names(able), ", "))
		}
	}
	return out, nil
}
