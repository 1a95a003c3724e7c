package verdict

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// spellings are the forms in which bytes hide: as they are, in hex, and in base64 at each of its three offsets.
func spellings(canary string) []string {
	digits := hex.EncodeToString([]byte(canary))
	out := []string{canary, digits, strings.ToUpper(digits)}
	for offset := range 3 {
		padded := append(make([]byte, offset), canary...)
		for _, form := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := form.EncodeToString(padded)
			text = text[(offset*8+5)/6 : len(padded)*8/6] // without the characters that depend on the neighbours
			if len(text) >= tail {
				out = append(out, text)
			}
		}
	}
	return out
}
