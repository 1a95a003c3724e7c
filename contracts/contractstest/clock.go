package contractstest

import (
	"sync"
	"time"
)

// Start is the first instant of a Clock: a Wednesday in winter, 10:30 in Berlin, after every validity that the law
// records begin with.
func Start() time.Time { return time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC) }

// Clock stands still until Advance or Set. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows Start.
func NewClock() *Clock { return &Clock{now: Start()} }

// Now is the instant that the clock shows, UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set lets the clock show an instant, which may lie before the present one.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = at
}
