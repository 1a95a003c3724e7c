package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
)

func figure(target *report.Target) report.Figure {
	f := report.Figure{
		Name: "outcome", Title: "intake of an outcome", Unit: "1/s", Value: measure.Spread{Min: 500, Median: 650.4, Max: 700},
		Baseline: report.Baseline{Title: "ledger rows alone", Value: measure.Spread{Min: 900, Median: 1000, Max: 1100}},
		Ratio:    measure.Spread{Min: 0.5, Median: 0.65, Max: 0.7}, Target: target, Price: 612.5, BaselinePrice: 99.96, Operations: 40,
		Parts: []report.Part{{Title: "p99", Unit: "ms", Value: measure.Spread{Min: 1, Median: 2, Max: 30}}}, Notes: []string{"Read it so."},
	}
	f.Judge()
	return f
}

func TestATargetBoundsTheMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		target *report.Target
		want   string
	}{
		{report.AtLeast("ratio", 0.65), "ratio ≥ 0.65: reached"},
		{report.AtLeast("ratio", 0.7), "ratio ≥ 0.70: missed"},
		{report.AtMost("value", 650), "value ≤ 650: missed"},
		{report.AtMost("value", 651), "value ≤ 651: reached"},
		{nil, "–"},
	} {
		if got := figure(c.target).Target.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestPeopleReadTheFiguresAndHowTheyCameAbout(t *testing.T) {
	t.Parallel()
	r := report.Report{
		Date: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), Form: "production", Settings: report.Settings{Clients: 8, Rounds: 5},
		Machine: report.Machine{OS: "linux", Arch: "amd64", Cores: 2, Go: "go1.26.8", Load: 1.25, Fsync: measure.Spread{Min: 1, Median: 2, Max: 3}},
		Figures: []report.Figure{figure(report.AtLeast("ratio", 0.6))}, PeakRSS: 100 << 20,
	}
	var out bytes.Buffer
	if err := r.Table(&out); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"production form, 2026-11-25 12:00, 2 cores, linux/amd64, go1.26.8, load 1.2 at the start, fsync of 4 KiB 1.00 / 2.00 / 3.00 ms",
		"8 clients, 5 rounds after a warm-up, in turns with the baseline; min / median / max; peak memory 100 MiB",
		"",
		"FIGURE   VALUE            BASELINE           RATIO               TARGET                 UNIT",
		"outcome  500 / 650 / 700  900 / 1000 / 1100  0.50 / 0.65 / 0.70  ratio ≥ 0.60: reached  1/s",
		"",
		"outcome: intake of an outcome",
		"  baseline: ledger rows alone",
		"  CPU of this process: 612 µs an operation, baseline 100.0; 40 operations a round",
		"  p99: 1.00 / 2.00 / 30.0 ms",
		"  Read it so.",
		"",
	}, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestMachinesReadTheSame(t *testing.T) {
	t.Parallel()
	machine, err := report.Inspect(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if machine.Cores < 1 || machine.Go == "" || machine.Fsync.Max <= 0 {
		t.Errorf("machine: %+v", machine)
	}
	want := report.Report{Form: "embedded", Machine: machine, Figures: []report.Figure{figure(report.AtMost("value", 1))}}
	var out bytes.Buffer
	if err := want.JSON(&out); err != nil {
		t.Fatal(err)
	}
	var got report.Report
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
