package ingress_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts"
)

// awaitCaughtUp waits until a deadline of the office need not wait for its topic any more.
func (w *world) awaitCaughtUp(due time.Time) {
	w.Helper()
	late := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := w.caughtUp(office, due)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			w.Fatalf("not caught up: %v", err)
		}
	}
}

// Of four answers that are read long after the due instant, those were in time that the log had before it was over, to the
// millisecond; what senders write counts nowhere.
func TestAnAnswerIsInTimeWhenTheLogHadItByTheDueInstant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.stamping = true
	w.due = time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond).Add(400 * time.Microsecond)
	clock := w.due.Truncate(time.Millisecond) // the log counts milliseconds
	w.log.append(clock.Add(-time.Minute), w.say("answer-1", "early"))
	w.log.append(clock, w.say("answer-2", "just"))
	w.log.append(clock.Add(time.Millisecond), w.say("answer-3", "late"))
	w.log.append(clock.Add(time.Minute), w.say("answer-4", "later"))
	begin := w.db.Now()
	w.run("a")
	w.awaitGiven("early", "just", "late", "later")
	for i, inTime := range []bool{true, true, false, false} {
		if got := w.receipts[i]; inTime && !got.Equal(w.due) || !inTime && got.Before(begin) {
			t.Errorf("answer %d was received at %s, due %s", i+1, got, w.due)
		}
	}
	w.awaitCaughtUp(w.due)
}

// A deadline waits for what the log had by then, and for nothing that came later.
func TestADeadlineWaitsUntilItsTopicWasReadAsFar(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.stamping, w.log.hold = true, make(chan struct{})
	w.due = time.Now().Add(-time.Hour).UTC()
	w.log.append(w.due.Add(-time.Second), w.say("answer-1", "early"))
	w.fail = func(n int) error {
		if n > 1 {
			return contracts.Errorf(contracts.Unavailable, "answer", "not now")
		}
		return nil
	}
	w.log.append(w.due.Add(time.Second), w.say("answer-2", "late"))
	w.run("a")
	w.awaitAsked(3) // the reader has looked, and found that a record is on its way
	if err := w.caughtUp(office, w.due); contracts.KindOf(err) != contracts.Unavailable || err == nil {
		t.Errorf("an expiry overtakes an answer in time: %v", err)
	}
	close(w.log.hold)
	w.awaitGiven("early")
	w.awaitCaughtUp(w.due) // although the late answer is not dealt with
	if diff := cmp.Diff([]string{"early"}, w.given); diff != "" {
		t.Error(diff)
	}
}

// awaitAsked waits until append times were asked for n times.
func (w *world) awaitAsked(n int) {
	w.Helper()
	late := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		w.log.mu.Lock()
		asked := w.log.asked
		w.log.mu.Unlock()
		if asked >= n {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			w.Fatalf("asked %d times", asked)
		}
	}
}

// Without append times the time of reading stands, and no receipt is earlier than a watermark that was published.
func TestWithoutAppendTimesTheTimeOfReadingStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.due = time.Now().Add(-time.Hour).UTC()
	begin := w.db.Now()
	w.run("a")
	w.awaitCaughtUp(w.due)
	w.log.append(w.due.Add(-time.Minute), w.say("answer-1", "read_late"))
	w.awaitGiven("read_late")
	if w.receipts[0].Before(begin) {
		t.Errorf("received at %s, before it was read", w.receipts[0])
	}
}
