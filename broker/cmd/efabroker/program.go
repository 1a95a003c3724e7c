package main

import (
	"context"
	"io"
	"time"
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

// Run executes one command and returns its exit code; see exitCodes.
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
