package witness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// InputError says where an input cannot be read, and why.
type InputError struct {
	Path string
	// Line counts from 1; 0 is the file as a whole.
	Line int
	Err  error
}

// Error names file and line.
func (e *InputError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.Path, e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// Place is where a line stands.
type Place struct {
	Path string
	Line int
}

// String is "file:line".
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.Path, p.Line) }

// lines reads a file of one T a line and checks each.
func lines[T any](path string, check func(Place, *T) error) error {
	f, err := os.Open(path) //nolint:gosec // the file that the caller names
	if err != nil {
		return &InputError{Path: path, Err: err}
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReaderSize(f, 1<<20)
	for n := 1; ; n++ {
		raw, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(raw) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return &InputError{path, n, err}
		}
		if errors.Is(err, io.EOF) {
			return &InputError{path, n, errors.New("the line has no end")}
		}
		v := new(T)
		if err := decode(raw, v); err != nil {
			return &InputError{path, n, err}
		}
		if err := check(Place{path, n}, v); err != nil {
			return &InputError{path, n, err}
		}
	}
}

// decode takes exactly one object without members that nobody knows.
func decode(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

// clock checks that the instants of one file do not go back.
type clock struct{ last int64 }

func (c *clock) at(ns int64) error {
	if ns < c.last {
		return fmt.Errorf("at_ns goes back from %d to %d", c.last, ns)
	}
	c.last = ns
	return nil
}
