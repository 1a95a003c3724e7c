package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/pprof"
	"strings"

	"github.com/spf13/pflag"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/report"
	"github.com/efa-broker/efa-broker/contracts"
)

// Command is the benchmark as a command: its flags, a scratch directory, a table, and a file for machines.
type Command struct {
	Options

	// File gets the report as JSON. Defaults to none.
	File string
	// Profile gets a CPU profile of the run, for go tool pprof. Defaults to none.
	Profile string
	// Dir is where the scratch directory is made. Defaults to that of the system for temporary files.
	Dir string
	// Stdout gets the table, Stderr the progress.
	Stdout, Stderr io.Writer
	Log            *slog.Logger
}

// Long is the help of both programs.
func Long() string {
	return "Each figure stands beside its baseline, measured in turns with it in the same run, and the ratio of both. Compare ratios: what a shared machine does " +
		"to one side, it does to the other. The table says whether a target is reached; the exit status says only whether measuring worked.\n\nFigures:\n  " + strings.Join(Names(), "\n  ")
}

// AddFlags defines the flags.
func (c *Command) AddFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&c.Only, "only", nil, "measure these figures only")
	fs.IntVar(&c.Clients, "clients", 8, "clients that work at the same time")
	fs.IntVar(&c.Rounds, "rounds", 5, "rounds that count, after one that does not")
	fs.Float64Var(&c.Minutes, "minutes", 1, "how long memory is watched; it is judged from 10 on")
	fs.BoolVar(&c.Quick, "quick", false, "show in seconds that everything works; the figures mean nothing")
	fs.StringVar(&c.File, "json", "", "write the report to this file, as JSON")
	fs.StringVar(&c.Profile, "profile", "", "write a CPU profile of the run to this file, for go tool pprof")
	fs.StringVar(&c.Dir, "dir", "", "directory on the disk that is measured; a scratch directory is made in it and removed (default that for temporary files)")
}

// Run measures on the place that prepare makes in the scratch directory. What prepare returns beside it is called at the
// end.
func (c *Command) Run(ctx context.Context, prepare func(ctx context.Context, dir string) (Place, func(context.Context) error, error)) (err error) {
	dir, err := os.MkdirTemp(c.Dir, "efa-bench-")
	if err != nil {
		return contracts.Errorf(contracts.Invalid, "make scratch directory", "%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	place, undo, err := prepare(ctx, dir)
	if undo != nil {
		defer func() { err = errors.Join(err, undo(context.WithoutCancel(ctx))) }()
	}
	if err != nil {
		return err
	}
	stop, err := c.profile()
	if err != nil {
		return err
	}
	r, err := Run(ctx, place, c.Options, c.Stderr, c.Log)
	err = errors.Join(err, stop())
	if len(r.Figures) == 0 {
		return err
	}
	return errors.Join(err, r.Table(c.Stdout), c.write(r)) // what was measured before a fault is worth reading
}

func (c *Command) write(r report.Report) (err error) {
	if c.File == "" {
		return nil
	}
	f, err := os.Create(c.File)
	if err != nil {
		return contracts.Errorf(contracts.Invalid, "write report", "%w", err)
	}
	defer func() {
		if closing := f.Close(); closing != nil {
			err = errors.Join(err, fmt.Errorf("write report: %w", closing))
		}
	}()
	return r.JSON(f)
}

// profile begins to profile, and the returned function ends it.
func (c *Command) profile() (func() error, error) {
	if c.Profile == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(c.Profile)
	if err != nil {
		return nil, contracts.Errorf(contracts.Invalid, "write profile", "%w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(contracts.Errorf(contracts.Internal, "write profile", "%w", err), f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
