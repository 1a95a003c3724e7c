package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// TestAnAnswerOverKafkaInTimeWinsWhileTheEngineIsDown stops the process engine before the due instant. Offices answer by
// sealed events meanwhile, one that is read a millisecond before, one a millisecond after. The embedded log stamps nothing,
// so the time of reading stands.
func TestAnAnswerOverKafkaInTimeWinsWhileTheEngineIsDown(t *testing.T) {
	t.Parallel()
	s := speak(t, "gewerbeamt-muenchen", "ihk-muenchen", "finanzamt-muenchen")
	cfg, clock := options(t.TempDir()), &ledgerClock{}
	s.set(&cfg)
	h := on(t, cfg, clock.Now)
	caseID, tasks, due := h.apply()
	otherCase, otherTasks, otherDue := h.apply()
	if err := h.program.engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	say := func(step, task, outcome string) {
		t.Helper()
		if err := h.outbox(s, holders[step], false, noPort{}).Answer(t.Context(), task, backoffice.Outcome{Code: outcome}); err != nil {
			t.Fatal(err)
		}
	}
	clock.set(due.Add(-time.Millisecond))
	say("deemed", tasks["deemed"], "objected")
	h.awaitAnswered("gewerbeamt-muenchen", 1)
	clock.set(due.Add(time.Millisecond))
	say("nothing", tasks["nothing"], "agreed")
	h.awaitAnswered("finanzamt-muenchen", 1)
	say("disregardable", tasks["disregardable"], "objected") // waits until it is certain that nothing else came in time
	clock.set(otherDue.Add(time.Millisecond))
	say("deemed", otherTasks["deemed"], "objected")
	h.awaitLetters("efa.outbox.gewerbeamt-muenchen", 1)
	if reason := h.letters("efa.outbox.gewerbeamt-muenchen")[1]; reason != "conflict" {
		t.Errorf("a millisecond after: %q", reason)
	}
	clock.set(otherDue.Add(10 * time.Second))
	h.awaitAnswered("ihk-muenchen", 1)
	say("nothing", otherTasks["nothing"], "agreed")
	h.awaitAnswered("finanzamt-muenchen", 2)
	h.restartEngine(t)
	want := []string{"completed deemed", "completed nothing", "expired disregardable", "completed disregardable"}
	if diff := cmp.Diff(want, silences(t, h.events(caseID, closed))); diff != "" {
		t.Errorf("one objected in time: %s", diff)
	}
	want = []string{"completed nothing", "expired deemed", "expired disregardable", "both by silence"}
	if diff := cmp.Diff(want, silences(t, h.events(otherCase, closed))); diff != "" {
		t.Errorf("one objected too late: %s", diff)
	}
	for _, e := range h.events(caseID, closed) {
		if e.Type == event.TypeTaskCompleted && decode[event.TaskCompleted](t, e).Step == "deemed" && !e.Time.Equal(due.Add(-time.Millisecond)) {
			t.Errorf("received at %s, due %s", e.Time, due)
		}
	}
	h.verified()
}

// awaitAnswered waits until n answers of an authority were taken from its topic.
func (h *house) awaitAnswered(a string, n int) {
	h.tb.Helper()
	late := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for h.answered()[a] < n {
		select {
		case <-tick.C:
		case <-late:
			h.tb.Fatalf("answers %v, want %d of %s; refused %v", h.answered(), n, a, h.letters("efa.outbox."+a))
		}
	}
}
