package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"efabroker": func() { os.Exit(run()) }})
}

// TestScripts runs each script of testdata/script against a broker of its own that answers with testdata/api. The data
// directory is $WORK/data. The command "requests FILE" writes down what the broker was asked, by whom.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			b := newBroker(t)
			env.Values["broker"] = b
			env.Setenv("TZ", "UTC")
			env.Setenv("EFA_DATA", "data")
			return settle(t, b, filepath.Join(env.WorkDir, "data"))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"requests": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: requests FILE")
				}
				b, ok := ts.Value("broker").(*broker)
				if !ok {
					ts.Fatalf("the script has no broker")
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.requests()), 0o600))
			},
			"exits": exits,
		},
	})
}

// exits runs a command that must end with an exit code: exits CODE COMMAND ARG… is the usage.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG…")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		got = ended.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s ended with %d, want %s", args[1], got, args[0])
	}
}
