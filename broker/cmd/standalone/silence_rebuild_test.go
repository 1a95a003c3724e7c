package main

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/assembly"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// loseEngine empties the process engine and has every process started again from the ledger.
func (h *house) loseEngine(t *testing.T) {
	t.Helper()
	if err := h.program.engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	lose(t, h.program.cfg.Data, "temporal")
	h.restartEngine(t)
	h.reconcile("the disk of the process engine was replaced")
}

// TestAnEngineThatIsLostBeforeTheDueInstantDecidesByReceipt empties the engine while three tasks wait in each of two cases.
// One case is answered to the millisecond at the due instant, the other a millisecond after it.
func TestAnEngineThatIsLostBeforeTheDueInstantDecidesByReceipt(t *testing.T) {
	t.Parallel()
	h, clock := silent(t)
	inTime, tasks, due := h.apply()
	late, lateTasks, lateDue := h.apply()
	h.loseEngine(t)
	clock.set(due)
	for step, outcome := range map[string]string{"deemed": "objected", "disregardable": "agreed"} {
		if err := h.say(step, tasks[step], outcome); err != nil {
			t.Errorf("%s at the due instant: %v", step, err)
		}
	}
	clock.set(lateDue.Add(time.Millisecond))
	if err := h.say("deemed", lateTasks["deemed"], "objected"); contracts.KindOf(err) != contracts.Conflict || err == nil {
		t.Errorf("a millisecond after: %v", err)
	}
	clock.set(lateDue.Add(time.Minute))
	h.events(late, func(all []event.Recorded) bool {
		return count(all, event.TypeTaskExpired) == 2 && count(all, event.TypeCaseEscalated) == 1
	})
	h.events(inTime, func(all []event.Recorded) bool { return count(all, event.TypeCaseEscalated) == 1 })
	for _, of := range []map[string]string{tasks, lateTasks} {
		if err := h.say("nothing", of["nothing"], "agreed"); err != nil {
			t.Errorf("overdue: %v", err)
		}
	}
	got := silences(t, h.events(inTime, closed))
	slices.Sort(got[:2])
	if diff := cmp.Diff([]string{"completed deemed", "completed disregardable", "overdue nothing", "completed nothing"}, got); diff != "" {
		t.Errorf("answered in time: %s", diff)
	}
	got = silences(t, h.events(late, closed))
	slices.Sort(got[:3])
	want := []string{"expired deemed", "expired disregardable", "overdue nothing", "completed nothing", "both by silence"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("not answered in time: %s", diff)
	}
	h.verified()
}

// TestAnEngineThatIsLostAfterTheDueInstantRepeatsNoExpiry empties the engine when silence has said all it says.
func TestAnEngineThatIsLostAfterTheDueInstantRepeatsNoExpiry(t *testing.T) {
	t.Parallel()
	h, clock := silent(t)
	caseID, tasks, due := h.apply()
	clock.set(due.Add(watermarkPast))
	h.events(caseID, func(all []event.Recorded) bool {
		return count(all, event.TypeTaskExpired) == 2 && count(all, event.TypeCaseEscalated) == 1
	})
	h.loseEngine(t)
	if err := h.say("deemed", tasks["deemed"], "objected"); contracts.KindOf(err) != contracts.Conflict || err == nil {
		t.Errorf("an objection after silence was deemed a yes: %v", err)
	}
	if err := h.say("disregardable", tasks["disregardable"], "objected"); err != nil {
		t.Errorf("a late answer is not recorded: %v", err)
	}
	if err := h.say("nothing", tasks["nothing"], "objected"); err != nil {
		t.Errorf("an overdue answer is refused: %v", err)
	}
	got := silences(t, h.events(caseID, closed))
	slices.Sort(got[:3])
	want := []string{"expired deemed", "expired disregardable", "overdue nothing", "completed disregardable", "completed nothing", "both by silence"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	h.verified()
}

// watermarkPast is behind a due instant by more than clocks may differ, so that ingress has caught up.
const watermarkPast = time.Second + time.Millisecond

// TestSilenceOnPostgreSQL keeps the ledger in PostgreSQL, where transactions run side by side.
func TestSilenceOnPostgreSQL(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	for name, scenario := range map[string]func(*testing.T, *house, *ledgerClock){
		"silence": silenceSpeaks,
		"engine down": func(t *testing.T, h *house, clock *ledgerClock) {
			t.Helper()
			answersInTimeWin(t, h, clock, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, clock := silent(t, func(c *assembly.Config) { c.LedgerURL = sqlstoretest.Place(t).URL })
			scenario(t, h, clock)
		})
	}
}

// jumping is this machine's clock, set forward or back.
type jumping struct{ by atomic.Int64 }

func (c *jumping) Now() time.Time { return time.Now().Add(time.Duration(c.by.Load())) }

func (c *jumping) set(by time.Duration) { c.by.Store(int64(by)) }

// TestDeadlinesFollowAJumpOfTheClock sets the clock an hour forward over the due instant, and back.
func TestDeadlinesFollowAJumpOfTheClock(t *testing.T) {
	t.Parallel()
	clock := &jumping{}
	h := under(t, clock.Now)
	caseID, tasks, due := h.apply()
	other, otherTasks, _ := h.apply()
	clock.set(2 * time.Hour)
	if err := h.say("deemed", tasks["deemed"], "objected"); contracts.KindOf(err) != contracts.Conflict || err == nil {
		t.Errorf("answered after the jump over the due instant: %v", err)
	}
	if err := h.say("disregardable", tasks["disregardable"], "agreed"); err != nil {
		t.Errorf("a late answer that may be disregarded: %v", err)
	}
	clock.set(-time.Hour)
	if err := h.say("deemed", otherTasks["deemed"], "objected"); err != nil {
		t.Errorf("answered before the due instant, to which the clock was set back: %v", err)
	}
	if s := h.state("deemed", tasks["deemed"]); s != task.Assigned {
		t.Errorf("%s, although the engine has not asked for an expiry yet", s)
	}
	got := h.events(caseID, func(all []event.Recorded) bool { return count(all, event.TypeTaskCompleted) == 1 })
	if diff := cmp.Diff([]string{"expired disregardable", "completed disregardable"}, silences(t, got)); diff != "" {
		t.Error(diff)
	}
	if e := got[len(got)-1]; !e.Time.After(due) {
		t.Errorf("the late answer was received at %s, due %s", e.Time, due)
	}
	events := h.events(other, func(all []event.Recorded) bool { return count(all, event.TypeTaskCompleted) == 1 })
	if first, last := events[0], events[len(events)-1]; !last.Time.Before(first.Time) || last.CaseSeq != int64(len(events)) {
		t.Errorf("the first event has %d at %s, the last %d at %s", first.CaseSeq, first.Time, last.CaseSeq, last.Time)
	}
	h.verified()
}

// TestOrderAndLeasesDoNotFollowAJumpOfTheClock plays a whole case while the clock is set forward and back; everybody does
// their work once and in order, and nobody loses a lease.
func TestOrderAndLeasesDoNotFollowAJumpOfTheClock(t *testing.T) {
	t.Parallel()
	clock := &jumping{}
	h := under(t, clock.Now)
	pkg := packageOf(t, registration)
	caseID := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	h.awaitTask()
	clock.set(time.Hour)
	second := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	h.play(offices.Config{})
	h.events(caseID, func(all []event.Recorded) bool { return count(all, event.TypeTaskAssigned) == 2 })
	clock.set(-time.Hour)
	for _, id := range []string{caseID, second} {
		first := h.whole(id)
		wantOnce(t, first, 12, 2)
		wantOnce(t, h.whole(first.second), 13, 0)
	}
	if log := string(h.log.Bytes()); strings.Contains(log, "changed hands") {
		t.Error("a lease has changed hands")
	}
	h.verified()
}
