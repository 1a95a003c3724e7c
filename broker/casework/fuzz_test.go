package casework

import (
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

func FuzzACursorOfAListIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{"", cursor(time.Unix(0, 1), "id"), "2026-11-25T10:00:00Z_", "2026-11-25T10:00:00+14:00_x", "2026-11-25T10:00:00Z", "_x", "0000-01-01T00:00:00Z_x", "9999-12-31T23:59:59.999999999Z_a_b", "\x00_\x00", "2026-11-25T10:00:00,5Z_x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, id, err := parseCursor(text)
		if err != nil {
			if contracts.KindOf(err) != contracts.Invalid {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if text == "" {
			return
		}
		again, sameID, err := parseCursor(cursor(at, id))
		if err != nil || !again.Equal(at) || sameID != id {
			t.Errorf("%q is %s %q, read again %s %q, %v", text, at, id, again, sameID, err)
		}
	})
}
