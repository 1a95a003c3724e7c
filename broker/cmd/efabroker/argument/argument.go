// Package argument reads what commands are given: ids, optional flags, the members of an application.
package argument

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/strictjson"
)

// ID parses an argument that must be a UUID.
func ID(name, text string) (uuid.UUID, error) {
	v, err := uuid.Parse(text)
	if err != nil {
		return uuid.UUID{}, failure.Usage("the list commands show the ids", "%s: want a UUID", name)
	}
	return v, nil
}

// OptionalID parses a flag that may be empty.
func OptionalID(name, text string) (*uuid.UUID, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nothing was given and nothing is wrong
	}
	v, err := ID(name, text)
	return &v, err
}

// Optional is a pointer to text, or nil when it is empty.
func Optional[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
}

// Members reads a JSON object and keeps each member as it is written. What two parsers could read differently is refused
// here as the broker would refuse it, but with the place in the file: it is the user's own.
func Members(raw []byte) (map[string]any, error) {
	if _, problems := strictjson.Parse(raw, func(string) bool { return true }); problems != nil {
		return nil, failure.Hinted(contracts.Refuse(contracts.Invalid, "read application", problems...), "mend the file where the problems say, in UTF-8")
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		return nil, failure.Usage("the application is one JSON object", "the input is no JSON object")
	}
	out := make(map[string]any, len(m))
	for name, value := range m {
		out[name] = value
	}
	return out, nil
}
