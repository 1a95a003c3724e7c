package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
)

// TestTheBenchmarkMeasuresEveryFigureOnTheEmbeddedEngines: each with its baseline and ratio; what they are is not asserted.
func TestTheBenchmarkMeasuresEveryFigureOnTheEmbeddedEngines(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	var stdout, stderr bytes.Buffer
	code := Main{Args: []string{"bench", "--quick", "--dir", dir, "--json", file}, Stdout: &stdout, Stderr: &stderr}.Run(t.Context())
	if code != 0 {
		t.Fatalf("exit status %d\n%s%s", code, &stdout, &stderr)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if r.Form != bench.Embedded || len(r.Figures) != len(bench.Names()) {
		t.Errorf("%d figures of the %s form, want %d", len(r.Figures), r.Form, len(bench.Names()))
	}
	for _, f := range r.Figures {
		if f.Value.Median <= 0 || f.Baseline.Value.Median <= 0 || f.Ratio.Median <= 0 || f.Baseline.Title == "" {
			t.Errorf("%s: %+v", f.Name, f)
		}
		if !bytes.Contains(stdout.Bytes(), []byte("\n"+f.Name+": "+f.Title)) {
			t.Errorf("people do not read of %s", f.Name)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestABenchmarkOfAnUnknownFigureIsRefused(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	code := Main{Args: []string{"bench", "--only", "speed", "--rounds", "0"}, Stdout: &bytes.Buffer{}, Stderr: &stderr}.Run(t.Context())
	if code != exitUsage {
		t.Errorf("exit status %d: %s", code, &stderr)
	}
}
