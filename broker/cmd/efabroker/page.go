package main

import (
	"encoding/json"
	"io"
	"os"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver/strictjson"
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

// id parses an argument that must be a UUID.
func id(name, text string) (uuid.UUID, error) {
	v, err := uuid.Parse(text)
	if err != nil {
		return uuid.UUID{}, usage("the list commands show the ids", "%s: want a UUID", name)
	}
	return v, nil
}

// optionalID parses a flag that may be empty.
func optionalID(name, text string) (*uuid.UUID, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nothing was given and nothing is wrong
	}
	v, err := id(name, text)
	return &v, err
}

// optional is a pointer to text, or nil when it is empty.
func optional[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
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
		return nil, hinted(contracts.Errorf(contracts.Invalid, "read input", "%w", err), "name a file, or - for standard input")
	}
	return raw, nil
}

// members reads a JSON object and keeps each member as it is written. What two parsers could read differently is refused
// here as the broker would refuse it, but with the place in the file: it is the user's own.
func members(raw []byte) (map[string]any, error) {
	if _, problems := strictjson.Parse(raw, func(string) bool { return true }); problems != nil {
		return nil, hinted(contracts.Refuse(contracts.Invalid, "read application", problems...), "mend the file where the problems say, in UTF-8")
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		return nil, usage("the application is one JSON object", "the input is no JSON object")
	}
	out := make(map[string]any, len(m))
	for name, value := range m {
		out[name] = value
	}
	return out, nil
}
