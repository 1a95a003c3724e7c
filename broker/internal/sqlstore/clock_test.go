package sqlstore

import (
	"testing"
	"time"
)

// TestAComparisonThatIsALittleOffTurnsNoTimeBack: what is decided is recorded before what follows from it. A clock that was
// set back is followed all the same.
func TestAComparisonThatIsALittleOffTurnsNoTimeBack(t *testing.T) {
	t.Parallel()
	c := &clock{machine: time.Now}
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	compared := func(theirs time.Time) time.Time {
		c.theirs, c.ours = theirs, time.Now()
		return c.now()
	}
	first := compared(noon)
	if again := compared(noon.Add(-tolerance / 2)); again.Before(first) {
		t.Errorf("%v came after %v", again, first)
	}
	if back := compared(noon.Add(-time.Hour)); !back.Before(noon) {
		t.Errorf("a clock that was set back by an hour says %v", back)
	}
	if on := compared(noon); on.Before(noon) {
		t.Errorf("a clock that was set forward says %v", on)
	}
}
