package bench_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/localkafka"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// TestTheFiguresOfTheStoresAreMeasured: whatever they are, each has its baseline and its ratio.
func TestTheFiguresOfTheStoresAreMeasured(t *testing.T) {
	t.Parallel()
	var told bytes.Buffer
	r, err := bench.Run(t.Context(), bench.Place{Form: bench.SQLite, Dir: t.TempDir()}, bench.Options{Quick: true}, &told, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.Figures {
		names = append(names, f.Name)
		complete(t, f)
		if f.Target == nil || f.Target.AtLeast == nil == (f.Target.AtMost == nil) {
			t.Errorf("%s has no target: %+v", f.Name, f.Target)
		}
		if !strings.Contains(told.String(), f.Name) {
			t.Errorf("people were not told of %s:\n%s", f.Name, told.String())
		}
	}
	if want := []string{"outcome", "submission", "register"}; !slices.Equal(names, want) {
		t.Errorf("figures %v, want %v", names, want)
	}
	if r.Form != bench.SQLite || r.Machine.Cores == 0 || !r.Settings.Quick || r.Settings.Rounds != 1 || r.PeakRSS == 0 || r.Date.IsZero() {
		t.Errorf("report: %+v", r)
	}
}

func complete(t *testing.T, f report.Figure) {
	t.Helper()
	for what, s := range map[string]measure.Spread{"value": f.Value, "baseline": f.Baseline.Value, "ratio": f.Ratio} {
		if s.Min <= 0 || s.Median < s.Min || s.Max < s.Median {
			t.Errorf("%s: %s is %+v", f.Name, what, s)
		}
	}
	if f.Title == "" || f.Baseline.Title == "" || f.Unit == "" || f.Operations == 0 {
		t.Errorf("%s does not say what it is: %+v", f.Name, f)
	}
}

func TestWhatCannotBeMeasuredIsRefused(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]bench.Options{
		"unknown figure":        {Only: []string{"outcome", "speed"}},
		"figure of the engines": {Only: []string{"process"}},
		"too many clients":      {Clients: 1000},
		"no round":              {Rounds: -1},
		"no time":               {Minutes: -1},
	} {
		_, err := bench.Run(t.Context(), bench.Place{Form: bench.SQLite, Dir: t.TempDir()}, o, &bytes.Buffer{}, slog.New(slog.DiscardHandler))
		if contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryFigureSaysWhatItMeasures(t *testing.T) {
	t.Parallel()
	lines := bench.Names()
	if len(lines) < 9 || slices.ContainsFunc(lines, func(l string) bool { return !strings.Contains(l, ": ") }) {
		t.Errorf("%v", lines)
	}
}

func TestAnEventLogInUseIsRefused(t *testing.T) {
	t.Parallel()
	kafka, err := localkafka.Start(t.Context(), localkafka.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kafka.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	cfg := kafkalog.Config{Brokers: []string{kafka.Addr}}
	log, err := kafkalog.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		log.EnsureTopic(t.Context(), event.Topic, 1),
		log.Publish(t.Context(), eventlog.Record{Topic: event.Topic, Key: "case", Value: []byte("{}")}),
		log.Close(),
	)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	place := bench.Place{Form: bench.Embedded, Dir: dir, Kafka: &cfg, Temporal: "127.0.0.1:1", Namespace: "efa"}
	_, err = bench.Run(t.Context(), place, bench.Options{Quick: true, Only: []string{"price"}}, &bytes.Buffer{}, slog.New(slog.DiscardHandler))
	if contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("got %v", err)
	}
	written, err := os.ReadDir(dir)
	if err != nil || len(written) > 0 {
		t.Errorf("written: %v, %v", written, err)
	}
}
