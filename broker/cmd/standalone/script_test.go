package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// commandLine builds efabroker once for all scripts: the lean program as a user has it.
var commandLine = sync.OnceValues(func() (string, error) { return buildCommandLine() })

func buildCommandLine(flags ...string) (string, error) {
	dir, err := os.MkdirTemp("", "efabroker")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", append(append([]string{"build", "-o", dir}, flags...), "../efabroker")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build efabroker: %w: %s", err, out)
	}
	return dir, nil
}

// TestScripts runs each script of testdata/script against a broker of its own, with the back offices of the statutory
// recipients; the trade offices' tasks are left to the script. Example applications lie in $WORK as gewa1-01.json ….
// Beside the usual commands there are
//
//	waitfor CASE TYPE [N]     until the case has N events of the type de.efa.TYPE.v1
//	pick VAR FILE KEY…        a member of a JSON file, keys or indices, as $VAR
func TestScripts(t *testing.T) {
	t.Parallel()
	bin, err := commandLine()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(bin); err != nil {
			t.Error(err)
		}
	})
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			dir := t.TempDir() // not in WorkDir, which goes before the broker ends
			h := open(t, dir)
			h.program.cfg.Offices = "recipients"
			if err := h.program.startOffices(t.Context()); err != nil {
				return err
			}
			env.Values["house"] = h
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("TZ", "UTC")
			env.Setenv("EFA_DATA", dir)
			return writeExamples(t, env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"waitfor": waitFor, "pick": pick},
	})
}

func writeExamples(t *testing.T, dir string) error {
	t.Helper()
	for _, p := range []service.Package{packageOf(t, registration), packageOf(t, deregistration)} {
		for i, name := range exampleNames(p) {
			path := filepath.Join(dir, fmt.Sprintf("%s-%02d.json", p.Form, i+1))
			if err := os.WriteFile(path, p.Examples[name], 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: waitfor CASE TYPE [N]")
	}
	want := 1
	if len(args) > 2 {
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		want = n
	}
	h, ok := ts.Value("house").(*house)
	if !ok {
		ts.Fatalf("the script has no broker")
	}
	h.events(args[0], func(events []event.Recorded) bool {
		n := 0
		for _, e := range events {
			if e.Type == "de.efa."+args[1]+".v1" {
				n++
			}
		}
		return n >= want
	})
}

func pick(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: pick VAR FILE KEY…")
	}
	var at any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &at))
	for _, key := range args[2:] {
		switch x := at.(type) {
		case map[string]any:
			at = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			if i >= len(x) {
				ts.Fatalf("%s has %d elements", args[1], len(x))
			}
			at = x[i]
		}
	}
	text, ok := at.(string)
	if !ok {
		ts.Fatalf("%s is no text in %s", strings.Join(args[2:], "."), args[1])
	}
	ts.Setenv(args[0], text)
}
