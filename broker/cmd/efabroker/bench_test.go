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

func TestWithoutEnginesTheStoresAreMeasuredOnSQLite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, profile := filepath.Join(dir, "report.json"), filepath.Join(dir, "cpu.prof")
	var stdout, stderr bytes.Buffer
	p := Program{Stdin: &bytes.Buffer{}, Stdout: &stdout, Stderr: &stderr, Environ: []string{"HOME=" + dir}}
	code := p.Run(t.Context(), []string{"bench", "--quick", "--only", "submission,outcome", "--dir", dir, "--json", file, "--profile", profile})
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if r.Form != bench.SQLite || len(r.Figures) != 2 {
		t.Errorf("%d figures of the %s form", len(r.Figures), r.Form)
	}
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("profile: %v, %v", info, err)
	}
}

func TestEnginesOfABenchmarkComeFromTheSettingsOfServe(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	p := Program{
		Stdin: &bytes.Buffer{}, Stdout: &bytes.Buffer{}, Stderr: &stderr,
		Environ: []string{"EFA_LEDGER_URL=postgres://efa@ledger.example/efa", "EFA_KEYSTORE_URL=postgres://efa@ledger.example/keys"},
	}
	if code := p.Run(t.Context(), []string{"bench"}); code != 2 || !bytes.Contains(stderr.Bytes(), []byte("sslmode")) {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
}
