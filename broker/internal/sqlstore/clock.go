package sqlstore

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

const (
	// remeasure is how long a comparison of the clocks counts; leases are renewed about as often.
	remeasure = 2 * time.Second
	// tolerance is how far this machine's clock may be off before nothing is written any more (DESIGN law 3).
	tolerance = time.Second
)

// clock is the database's clock. Where the database runs elsewhere it is read now and then, and in between it is carried
// on by this machine's monotonic clock, so that nobody pays a round trip per transaction and a jump of the wall clock
// moves nothing.
type clock struct {
	// given stands for the database's clock; nothing is measured then.
	given func() time.Time

	db      *sql.DB
	machine func() time.Time

	measuring sync.Mutex // held by the one who compares; the others go on with the last comparison
	mu        sync.Mutex // guards what follows
	theirs    time.Time  // the database's clock at the last measurement
	ours      time.Time  // the monotonic clock at that instant
	wall      time.Time  // the machine's clock at that instant, which goes on while a machine is suspended
	offset    time.Duration
	latest    time.Time // what now has said last
}

// now is the instant by the database's clock. A comparison that says a little less than the one before turns no time back:
// it was the one before that was off, and what is decided has to be recorded before what follows from it. A clock that was
// set back is followed.
func (c *clock) now() time.Time {
	if c.given != nil {
		return c.given().UTC().Truncate(time.Microsecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.theirs.Add(time.Since(c.ours)).UTC().Truncate(time.Microsecond)
	if behind := c.latest.Sub(now); behind <= 0 || behind > tolerance {
		c.latest = now
	}
	return c.latest
}

// check compares the clocks when the last comparison is too old. It returns Unavailable when the database does not
// answer or this machine's clock is off.
func (c *clock) check(ctx context.Context) error {
	if c.given != nil {
		return nil
	}
	age, offset := c.last()
	if age > remeasure && c.mayMeasure(age) {
		defer c.measuring.Unlock()
		if age, _ = c.last(); age > remeasure {
			if err := c.measure(ctx); err != nil {
				return err
			}
		}
		_, offset = c.last()
	}
	if offset > tolerance || offset < -tolerance {
		return contracts.Errorf(contracts.Unavailable, "compare clocks",
			"this machine is %s off the database, at most %s are allowed; nothing is written until its clock is set", offset, tolerance)
	}
	return nil
}

// mayMeasure reports whether the caller holds measuring. While one compares, the others go on with the last comparison,
// unless that is far too old: then they wait for it.
func (c *clock) mayMeasure(age time.Duration) bool {
	if age < 2*remeasure {
		return c.measuring.TryLock()
	}
	c.measuring.Lock()
	return true
}

// last is the age of the last measurement, and how far the machine's wall clock was ahead of the database's then. The
// monotonic clock stands still while a machine is suspended, so the older of two ages counts.
func (c *clock) last() (age, offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(time.Since(c.ours), c.machine().Round(0).Sub(c.wall)), c.offset
}

// measure takes the middle of the round trip for the instant at which the database read its clock.
func (c *clock) measure(ctx context.Context) error {
	var theirs time.Time
	sent := time.Now()
	if err := c.db.QueryRowContext(ctx, `select clock_timestamp()`).Scan(&theirs); err != nil {
		return contracts.Errorf(contracts.Unavailable, "read the database's clock", "%w", err)
	}
	received := time.Now()
	half := received.Sub(sent) / 2
	c.mu.Lock()
	defer c.mu.Unlock()
	c.theirs, c.ours = theirs.Add(half), received
	c.wall = c.machine().Round(0)
	c.offset = c.wall.Sub(c.theirs)
	return nil
}

// start measures once, so that now has an answer. A clock that is off is no error yet: the program starts, is not ready
// and writes nothing.
func (c *clock) start(ctx context.Context) error {
	if c.given != nil {
		return nil
	}
	return c.measure(ctx)
}
