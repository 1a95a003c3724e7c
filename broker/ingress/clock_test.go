package ingress_test

import (
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// awaitUnready waits until nobody reads the topic, because of the log's clock.
func (w *world) awaitUnready() {
	w.Helper()
	w.tick("an end of the reading", func() bool {
		err := w.in.Ready(w.Context())
		w.log.mu.Lock()
		defer w.log.mu.Unlock()
		return w.log.followers == 0 && contracts.KindOf(err) == contracts.Unavailable && strings.Contains(err.Error(), "clock")
	})
}

// tick waits until enough says yes, of what announces nothing.
func (w *world) tick(what string, enough func() bool) {
	w.Helper()
	late := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !enough() {
		select {
		case <-tick.C:
		case <-late:
			w.Fatalf("gave up waiting for %s", what)
		}
	}
}

// Ahead or behind, a clock that is more than a second off stamps nothing that counts: answers wait unread, and deadlines with
// them.
func TestNoAnswerIsReadWhileTheClockOfTheLogIsOff(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"ahead": 1100 * time.Millisecond, "behind": -1100 * time.Millisecond, "an hour behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.log.stamping = true
			w.log.set(ahead, 0)
			w.due = time.Now().Add(-time.Hour).UTC()
			w.log.append(time.Now(), w.say("answer-1", "registered"))
			w.run("a")
			w.await("three looks", func() bool { return w.off >= 3 })
			w.awaitUnready()
			if err := w.caughtUp(office, w.due); err == nil || contracts.KindOf(err) != contracts.Unavailable {
				t.Errorf("a deadline does not wait: %v", err)
			}
			w.nothingWasDone()
			w.log.set(ahead%time.Second*8, 0) // 0.8 s or nothing are within what is allowed
			w.awaitGiven("registered")
			w.awaitCaughtUp(w.due)
			w.tick("readiness", func() bool { return w.in.Ready(w.Context()) == nil })
		})
	}
}

func (w *world) nothingWasDone() {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	if len(w.given) > 0 || w.log.asked > 0 {
		w.Errorf("answers %v were taken, append times were asked for %d times", w.given, w.log.asked)
	}
}

func (w *world) foundOff() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.off
}

// A clock that goes off ends the reading, and what was read until then stays.
func TestTheReadingEndsWhenTheClockOfTheLogGoesOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.stamping = true
	w.log.append(time.Now(), w.say("answer-1", "first"))
	w.run("a")
	w.awaitGiven("first")
	w.log.set(-time.Minute, 0)
	w.awaitUnready()
	w.log.append(time.Now(), w.say("answer-2", "second"))
	begin := w.db.Now()
	w.log.set(0, 0)
	w.awaitGiven("first", "second")
	if w.receipts[1].Before(begin) || w.foundOff() == 0 {
		t.Errorf("the second answer was received at %s, the clock was right at %s; found off %d times", w.receipts[1], begin, w.foundOff())
	}
}

// A log that takes too long to tell its time tells nothing, neither good nor bad.
func TestAClockThatIsToldTooSlowlyIsNotKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.stamping = true
	w.log.set(0, 3*time.Second)
	w.log.append(time.Now(), w.say("answer-1", "registered"))
	w.run("a")
	w.awaitUnready()
	w.log.set(0, time.Second)
	w.awaitGiven("registered")
	w.log.set(0, 3*time.Second) // what was known counts on for a while
	w.log.append(time.Now(), w.say("answer-2", "granted"))
	w.awaitGiven("registered", "granted")
	if n := w.foundOff(); n > 0 {
		t.Errorf("found off %d times", n)
	}
}

// A broker that stamps answers and leads no part of the topic of clocks may be hours off: nothing of it is read.
func TestNoAnswerIsReadOfABrokerWhoseClockNobodyCanAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.stamping = true
	w.log.move(true)
	w.log.append(time.Now(), w.say("answer-1", "registered"))
	w.run("a")
	w.awaitUnready()
	w.nothingWasDone()
	w.log.move(false)
	w.awaitGiven("registered")
}
