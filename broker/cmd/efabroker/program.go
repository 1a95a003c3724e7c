package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
)

// Program is the command line with everything that it takes from outside, so that a test can start it.
type Program struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Environ are the variables, "NAME=value".
	Environ []string
	// Zone is the zone in which people read instants. Defaults to that of the machine.
	Zone *time.Location
}

// Run executes one command and returns its exit code; see failure.ExitCodes.
func (p Program) Run(ctx context.Context, args []string) int {
	if p.Zone == nil {
		p.Zone = time.Local
	}
	s := &session{program: p}
	root := s.root() //nolint:contextcheck // commands take the context of ExecuteContext below
	root.SetArgs(args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	return s.report(err)
}

// report tells what went wrong and returns the exit code.
func (s *session) report(err error) int {
	f, code := failure.Of(err)
	out := output.Printer{Out: s.program.Stderr, JSON: s.machine()}
	if out.JSON {
		_ = out.Object(f) // standard error is gone: the exit code is all that is left
		return code
	}
	lines := []string{"efabroker: " + f.Error}
	for _, p := range f.Problems {
		lines = append(lines, "  "+strings.TrimPrefix(p.Pointer+": ", ": ")+p.Detail)
	}
	lines = append(lines, "hint: "+f.Hint)
	_ = out.Lines(lines...)
	return code
}
