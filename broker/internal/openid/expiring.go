package openid

import (
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"
)

// Lifetimes and bounds of what is in flight.
const (
	loginLifetime = 10 * time.Minute
	codeLifetime  = time.Minute
	maxLogins     = 10_000
	maxCodes      = 10_000
	maxHashing    = 2
)

// expiring holds values under random names until they are taken or too old. When it is full, the oldest makes room: a
// flood costs the flooded a repeated login, never memory.
type expiring[T any] struct {
	max      int
	lifetime time.Duration

	mu     sync.Mutex
	values map[string]aged[T]
	order  []string // oldest first; may name values that are gone
}

type aged[T any] struct {
	value   T
	expires time.Time
}

func newExpiring[T any](limit int, lifetime time.Duration) *expiring[T] {
	return &expiring[T]{max: limit, lifetime: lifetime, values: map[string]aged[T]{}}
}

// put keeps the value and returns its name, 256 random bits.
func (e *expiring[T]) put(value T, now time.Time) string {
	name := random()
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.order) > 0 {
		oldest, ok := e.values[e.order[0]]
		if ok && oldest.expires.After(now) && len(e.order) < e.max {
			break
		}
		delete(e.values, e.order[0])
		e.order = e.order[1:]
	}
	e.values[name] = aged[T]{value, now.Add(e.lifetime)}
	e.order = append(e.order, name)
	return name
}

// get returns a value that is neither taken nor too old.
func (e *expiring[T]) get(name string, now time.Time) (T, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, ok := e.values[name]
	return a.value, ok && a.expires.After(now)
}

// take is get for the one and only time: whatever the caller does next, nobody gets the value again.
func (e *expiring[T]) take(name string, now time.Time) (T, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, ok := e.values[name]
	delete(e.values, name)
	return a.value, ok && a.expires.After(now)
}

// random is 256 random bits in base64url.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b)
}
