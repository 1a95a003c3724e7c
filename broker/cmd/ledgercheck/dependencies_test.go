package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestTheCheckerSharesNoCodeWithTheBroker allows the standard library, the database drivers, the judge of linearizability and itself.
func TestTheCheckerSharesNoCodeWithTheBroker(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for d := range strings.FieldsSeq(string(out)) {
		module, isOurs := strings.CutPrefix(d, "github.com/efa-broker/efa-broker/")
		switch {
		case isOurs && (module == "broker/cmd/ledgercheck" || strings.HasPrefix(module, "broker/cmd/ledgercheck/")):
			own++
		case isOurs:
			t.Errorf("ledgercheck links %s", d)
		}
	}
	if own != 4 {
		t.Errorf("%d packages of its own were found, want 4: the check looked at the wrong program", own)
	}
	direct, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{join .Imports "\n"}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	drivers := []string{"modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/stdlib", "github.com/anishathalye/porcupine"}
	for d := range strings.FieldsSeq(string(direct)) {
		if strings.Contains(strings.Split(d, "/")[0], ".") && !strings.HasPrefix(d, "github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/") && !slices.Contains(drivers, d) {
			t.Errorf("ledgercheck imports %s", d)
		}
	}
}
