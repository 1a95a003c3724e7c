package release

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
)

// cursor is a place in a list by (decided_at, id). Outside it is opaque.
type cursor struct {
	at time.Time
	id string
}

// String renders the cursor for the caller.
func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.at.UTC().Format(time.RFC3339Nano) + "|" + c.id))
}

// parseCursor reads a cursor; the empty text is the place before everything.
func parseCursor(text string) (cursor, error) {
	if text == "" {
		return cursor{at: time.Unix(0, 0).UTC()}, nil
	}
	wrong := invalid([]contracts.Problem{{Pointer: "after", Detail: `want the "next" of the page before`}})
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return cursor{}, wrong
	}
	instant, id, found := strings.Cut(string(raw), "|")
	at, err := time.Parse(time.RFC3339Nano, instant)
	if !found || err != nil || uuid.Validate(id) != nil {
		return cursor{}, wrong
	}
	return cursor{at: at.UTC(), id: id}, nil
}
