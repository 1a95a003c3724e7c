package pull

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// Config says which broker to poll, and how.
type Config struct {
	// Client is the authenticated client of the authority's system; see client.Open.
	Client *client.ClientWithResponses
	// WaitSeconds is how long the broker may hold an answer when there is nothing, at most 30. Defaults to 20; a
	// negative value asks it to answer at once.
	WaitSeconds int
	// Limit is how many items one answer may hold, 1 to 500. Defaults to 100.
	Limit int
}

type port struct {
	api   *client.ClientWithResponses
	wait  int
	limit int
}

var _ backoffice.Port = (*port)(nil)

// Open returns the port. It sends nothing yet.
func Open(cfg Config) (backoffice.Port, error) {
	switch {
	case cfg.Client == nil:
		return nil, contracts.Errorf(contracts.Invalid, "open pull", "client is required")
	case cfg.WaitSeconds > 30 || cfg.Limit < 0 || cfg.Limit > 500:
		return nil, contracts.Errorf(contracts.Invalid, "open pull", "want at most 30 seconds and 500 items")
	case cfg.WaitSeconds == 0:
		cfg.WaitSeconds = 20
	}
	if cfg.Limit == 0 {
		cfg.Limit = 100
	}
	return &port{api: cfg.Client, wait: max(0, cfg.WaitSeconds), limit: cfg.Limit}, nil
}

// id parses an id that the API wants as a UUID.
func id(op, text string) (uuid.UUID, error) {
	v, err := uuid.Parse(text)
	if err != nil {
		return uuid.UUID{}, contracts.Errorf(contracts.Invalid, op, "an id is no UUID")
	}
	return v, nil
}

// members reads a JSON object and keeps each member as it is written, so that numbers keep their digits.
func members(raw json.RawMessage) (map[string]any, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		return nil, contracts.Errorf(contracts.Invalid, "submit", "the application is no JSON object")
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out, nil
}
