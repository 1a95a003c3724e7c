package main

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/verdict"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
)

func run(args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = Main{Args: args, Stdout: &out, Stderr: &errs}.Run(context.Background())
	return code, out.String(), errs.String()
}

func empty(t *testing.T) string {
	t.Helper()
	place := sqlstoretest.Place(t)
	db, err := sqlstore.Open(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return cmp.Or(place.URL, place.Path)
}

const sha = "0000000000000000000000000000000000000000000000000000000000000000"

// TestRubbishIsRefusedWithFileAndLine: nothing is judged when one line does not read.
func TestRubbishIsRefusedWithFileAndLine(t *testing.T) {
	t.Parallel()
	db := empty(t)
	invoke := `{"at_ns":5,"actor":"p","op":"invoke","id":"s","sha256":"` + sha + `"}` + "\n"
	for name, c := range map[string]struct{ flag, text, says string }{
		"no JSON":                  {"--producers", invoke + "nonsense\n", ":2: "},
		"an unknown member":        {"--producers", invoke + `{"at_ns":6,"actor":"p","op":"info","id":"s","mood":"good"}` + "\n", `:2: json: unknown field "mood"`},
		"no end":                   {"--producers", strings.TrimSuffix(invoke, "\n"), ":1: the line has no end"},
		"two objects":              {"--producers", strings.TrimSuffix(invoke, "\n") + "{}\n", ":1: something follows"},
		"an unknown word":          {"--producers", invoke + `{"at_ns":6,"actor":"p","op":"perhaps","id":"s"}` + "\n", ":2: op is none of"},
		"an answer to nothing":     {"--producers", invoke + `{"at_ns":6,"actor":"p","op":"info","id":"t"}` + "\n", ":2: an answer to t"},
		"time that goes back":      {"--producers", invoke + `{"at_ns":4,"actor":"p","op":"info","id":"s"}` + "\n", ":2: at_ns goes back"},
		"yes without a receipt":    {"--producers", invoke + `{"at_ns":6,"actor":"p","op":"ok","id":"s"}` + "\n", ":2: an accepted submission"},
		"one id, two bodies":       {"--producers", invoke + strings.Replace(invoke, "000000", "111111", 1), ":2: submission s was invoked with two bodies"},
		"another body":             {"--recipients", `{"at_ns":1,"authority":"a","method":"GET","path":"/v1/inbox","status":200,"body":"eA==","sha256":"` + sha + `"}` + "\n", ":1: body does not have"},
		"nobody":                   {"--recipients", `{"at_ns":1,"method":"GET","path":"/v1/inbox","status":200,"sha256":"` + sha + `"}` + "\n", ":1: authority, method and path"},
		"a topic of nobody":        {"--outbox", `{"partition":0,"offset":3,"key":"k","headers":{},"value":"e30="}` + "\n", ":1: topic is required"},
		"offsets that do not rise": {"--log", strings.Repeat(`{"partition":0,"offset":3,"key":"k","headers":{},"value":"e30="}`+"\n", 2), ":2: offsets"},
	} {
		path := filepath.Join(t.TempDir(), "input.jsonl")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := run("--ledger", db, c.flag, path)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, path+c.says) {
			t.Errorf("%s: code %d, said %q %q", name, code, stdout, stderr)
		}
	}
}

func TestACommandLineThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "--ledger is missing"},
		{[]string{"--ledger", "x", "rest"}, exitUsage, "want flags only"},
		{[]string{"--ledgre", "x"}, exitUsage, "not defined"},
		{[]string{"--ledger", filepath.Join(t.TempDir(), "none")}, exitFailed, "no such file"},
		{[]string{"--ledger", "postgres://efa:secret@localhost:none/efa"}, exitFailed, "invalid port"},
		{[]string{"--ledger", empty(t), "--producers", filepath.Join(t.TempDir(), "none")}, exitUsage, "no such file"},
		{[]string{"--ledger", empty(t), "--nowhere", filepath.Join(t.TempDir(), "none")}, exitFailed, "no such file"},
	} {
		if code, _, stderr := run(c.args...); code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%v: code %d, said %q", c.args, code, stderr)
		}
	}
	if code, stdout, _ := run("--help"); code != exitWhole || !strings.Contains(stdout, "Exit codes") {
		t.Errorf("--help: code %d, said %q", code, stdout)
	}
}

// TestTheVerdictIsForPeopleAndForMachines lets an acknowledged submission be lost.
func TestTheVerdictIsForPeopleAndForMachines(t *testing.T) {
	t.Parallel()
	db := empty(t)
	if code, stdout, stderr := run("--ledger", db); code != exitWhole || !strings.Contains(stdout, "whole") {
		t.Errorf("an empty ledger: code %d, said %q %q", code, stdout, stderr)
	}
	path := filepath.Join(t.TempDir(), "portal.jsonl")
	if err := os.WriteFile(path, []byte(`{"at_ns":1,"actor":"p","op":"invoke","id":"s1","sha256":"`+sha+`"}
{"at_ns":2,"actor":"p","op":"ok","id":"s1","case":"c1","receipt":{"event_id":"e","seq":1,"hash":"h","key_id":"k","signature":"s"}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := run("--ledger", db, "--producers", path)
	for _, want := range []string{"NOT WHOLE", "1 sent, 1 accepted", path + ":2: an acknowledged submission has no case: s1, c1"} {
		if code != exitBroken || !strings.Contains(stdout, want) {
			t.Errorf("code %d, want %q in %s", code, want, stdout)
		}
	}
	code, stdout, _ = run("--ledger", db, "--producers", path, "--json")
	var r verdict.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != exitBroken || r.Whole || len(r.Rules) != 8 || len(r.Rules[0].Violations) != 1 {
		t.Errorf("code %d, %v, %+v", code, err, r)
	}
}
