package identity

import (
	"crypto/sha256"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// mostVerified is how many verified tokens are remembered; the broker knows a few thousand clients and people.
const mostVerified = 10_000

// remembered bounds how long a key that the provider takes back still counts.
const remembered = 10 * time.Minute

// verified remembers, by their digests, tokens that were verified, until they expire, at most ten minutes. A back office asks many times with
// one token, and verifying takes longer than most of what is done for it. What can change in between, the row of the
// principal, is not remembered.
type verified struct {
	tokens *lru.Cache[[sha256.Size]byte, expiring]
	now    func() time.Time
}

// expiring is whom a token names until it expires.
type expiring struct {
	named
	at time.Time
}

func newVerified(now func() time.Time) (*verified, error) {
	tokens, err := lru.New[[sha256.Size]byte, expiring](mostVerified)
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	return &verified{tokens: tokens, now: now}, nil
}

// find returns whom a token names that was verified and has not expired since.
func (v *verified) find(bearer string) (named, bool) {
	digest := sha256.Sum256([]byte(bearer))
	known, ok := v.tokens.Get(digest)
	if !ok {
		return named{}, false
	}
	if !v.now().Before(known.at) {
		v.tokens.Remove(digest)
		return named{}, false
	}
	return known.named, true
}

// keep remembers a token until it expires, and no longer than remembered.
func (v *verified) keep(bearer string, n named, until time.Time) {
	if latest := v.now().Add(remembered); until.After(latest) {
		until = latest
	}
	v.tokens.Add(sha256.Sum256([]byte(bearer)), expiring{named: n, at: until})
}
