package delivery

import (
	"testing"

	"github.com/efa-broker/efa-broker/contracts"
)

func FuzzACursorOfAnInboxIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{"", "0.0", "1.42", "9223372036854775807.9223372036854775807", "1", "1.", ".1", "-1.1", "1.-1", "+1.+1", "01.1", "1.1.1", "1e3.1", "9223372036854775808.1", "\x00", "\xff.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePlace(text)
		if err != nil {
			if contracts.KindOf(err) != contracts.Invalid || p != (place{}) {
				t.Errorf("%q: %v, %v", text, p, err)
			}
			return
		}
		if p.epoch < 0 || p.seq < 0 {
			t.Errorf("%q is a place before the first: %v", text, p)
		}
		if again, err := parsePlace(p.String()); err != nil || again != p {
			t.Errorf("%q is %v, read again %v, %v", text, p, again, err)
		}
	})
}
