package main

import (
	"io"
	"os"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/contracts"
)

// pages reads a list to its end.
func pages[T any](read func(after *string) (items []T, next *string, err error)) ([]T, error) {
	var all []T
	var after *string
	for {
		items, next, err := read(after)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == nil || *next == "" || (after != nil && *after == *next) {
			return all, nil
		}
		after = next
	}
}

// input reads the file path, or standard input for "-".
func (s *session) input(path string) ([]byte, error) {
	if path == "-" {
		raw, err := io.ReadAll(s.program.Stdin)
		if err != nil {
			return nil, contracts.Errorf(contracts.Internal, "read standard input", "%w", err)
		}
		return raw, nil
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the user names the file to send
	if err != nil {
		return nil, failure.Hinted(contracts.Errorf(contracts.Invalid, "read input", "%w", err), "name a file, or - for standard input")
	}
	return raw, nil
}
