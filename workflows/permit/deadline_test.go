package permit

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/workflows/workflowtest"
)

const day = 24 * time.Hour

// due is the due instant of a task of the hearing.
func due(step string) time.Time { return *workflowtest.Heard()[step].Due }

// said is an answer that was received at an instant.
type said struct {
	step, outcome string
	at            time.Time
}

// hearing is a bench for three consultations side by side, whose engine begins to work at an instant: what was said before
// is in the ledger by then, the rest comes when its time has come.
func hearing(t *testing.T, begins time.Time, answers ...said) *bench {
	t.Helper()
	ledger, definitions, start := submitted(t, workflowtest.Hearing, nil)
	ledger.Deadlines = workflowtest.Heard()
	return on(t, ledger, definitions, start, begins, answers)
}

// on begins to work on a ledger at an instant.
func on(t *testing.T, ledger *workflowtest.Ledger, source Source, start engine.Start, begins time.Time, answers []said) *bench {
	t.Helper()
	b := newBench(t, ledger, source, start)
	b.env.SetStartTime(begins)
	for _, a := range answers {
		answer := func() []engine.Event {
			return []engine.Event{ledger.AnswerAt(caseID, a.step, a.outcome, nil, a.at)}
		}
		if a.at.Before(begins) {
			answer()
			continue
		}
		b.at(a.at.Sub(begins), answer)
	}
	return b
}

var assignments = []string{"deemed", "disregardable", "nothing"}

func TestSilenceEndsATaskAtItsDueInstantAsTheLawSays(t *testing.T) {
	t.Parallel()
	b := hearing(t, workflowtest.Received, said{"nothing", "agreed", due("nothing").Add(2 * day)})
	given := map[string]time.Time{}
	b.ledger.Before = func(c engine.Command) error { given[c.Step] = b.env.Now(); return nil }
	b.mustRun(t)
	want := append(slices.Clone(assignments), "deemed/expired", "nothing/overdue", "disregardable/expired", "by_silence", "without_answer", "done")
	if diff := cmp.Diff(want, way(b.ledger)); diff != "" {
		t.Errorf("way (-want +got):\n%s", diff)
	}
	for step, at := range map[string]time.Time{"deemed/expired": due("deemed"), "nothing/overdue": due("nothing"), "disregardable/expired": due("disregardable")} {
		if late := given[step].Sub(at); late <= 0 || late > 2*time.Second {
			t.Errorf("%s was asked for %s after the due instant", step, late)
		}
	}
	var expired []engine.Expire
	for _, e := range b.ledger.Effects(caseID) {
		if x, ok := e.Command.(engine.Expire); ok {
			expired = append(expired, x)
		}
	}
	command := func(step string, after int64) engine.Expire {
		key := engine.StepKey{Case: caseID, Step: step + "/expired", Pass: 1}
		return engine.Expire{Command: engine.Command{StepKey: key, AfterSeq: after}, Task: workflowtest.TaskID(caseID, step)}
	}
	if diff := cmp.Diff([]engine.Expire{command("deemed", 1), command("disregardable", 2)}, expired); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

// The engine was down when everything was decided: from before the first answer until days after the last due instant. What
// was received by the due instant wins against the timer that fires first afterwards, what was received later loses.
func TestTheReceiptDecidesWhenTheEngineComesBackAfterTheDueInstant(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		step  string
		after time.Duration
		want  []string // of the steps that tell outcomes
	}{
		{"deemed", -ms, []string{"without_answer", "refused"}},
		{"deemed", 0, []string{"without_answer", "refused"}},
		{"disregardable", -ms, []string{"by_silence", "refused"}},
		{"disregardable", 0, []string{"by_silence", "refused"}},
		{"disregardable", ms, []string{"by_silence", "without_answer", "done"}},
		{"disregardable", 5 * day, []string{"by_silence", "without_answer", "done"}},
	} {
		for _, early := range []bool{false, true} { // whether the engine works until the day before
			t.Run(fmt.Sprintf("%s after %s, assigned %v", c.step, c.after, early), func(t *testing.T) {
				t.Parallel()
				answers := []said{{"nothing", "agreed", due("nothing").Add(-day)}, {c.step, "objected", due(c.step).Add(c.after)}}
				slices.SortFunc(answers, func(a, b said) int { return a.at.Compare(b.at) })
				template := hearing(t, workflowtest.Received)
				template.runUntilAssigned(t)
				ledger := template.ledger.Rewind(caseID, 3, 1)
				back := workflowtest.Received.Add(60 * day)
				b := on(t, ledger, hearingOnly(t), template.start, back, answers)
				if early {
					b = on(t, template.ledger.Rewind(caseID, 3, 1), hearingOnly(t), template.start, workflowtest.Received.Add(day), answers)
				}
				b.mustRun(t)
				var got []string
				for _, e := range b.ledger.Effects(caseID) {
					if step := e.Result.Step; slices.Contains([]string{"by_silence", "without_answer", "refused", "done"}, step) {
						got = append(got, step)
					}
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
				if expired := slices.Contains(way(b.ledger), c.step+"/expired"); expired != (c.after > 0) {
					t.Errorf("%s expired: %v", c.step, expired)
				}
			})
		}
	}
}

// runUntilAssigned walks a hearing until every task is assigned, and stops there.
func (b *bench) runUntilAssigned(t *testing.T) {
	t.Helper()
	b.env.RegisterDelayedCallback(b.env.CancelWorkflow, time.Hour)
	if err := b.run(); err == nil {
		t.Fatal("the hearing ended by itself")
	}
	if diff := cmp.Diff(assignments, way(b.ledger)); diff != "" {
		t.Fatal(diff)
	}
}

func hearingOnly(t *testing.T) workflowtest.Definitions {
	t.Helper()
	d := workflowtest.Definitions{}
	d.Add(t, workflowtest.Hearing)
	return d
}

// TestARebuiltHearingDecidesAlike loses the engine after each command, with every number of events that the ledger can hold
// then, and starts it again at once or weeks later: the outcomes are the same, and no effect is repeated.
func TestARebuiltHearingDecidesAlike(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"in time": -time.Millisecond, "late": time.Millisecond} {
		script := []said{{"nothing", "agreed", due("nothing").Add(time.Hour)}, {"disregardable", "objected", due("disregardable").Add(after)}}
		whole := hearing(t, workflowtest.Received, script...)
		whole.mustRun(t)
		effects := whole.ledger.Effects(caseID)
		events, err := whole.ledger.Events(t.Context(), caseID, 0)
		if err != nil || len(events) != 3 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		for n := range effects {
			known := int64(1)
			if n > 0 {
				known = effects[n-1].Result.EngineSeq
			}
			for m := known; m <= int64(len(events)) && (n >= 3 || m == 1); m++ {
				for _, begins := range []time.Time{workflowtest.Received, workflowtest.Received.Add(60 * day)} {
					t.Run(fmt.Sprintf("%s, %d commands, %d events, %s", name, n, m, begins.Format(time.DateOnly)), func(t *testing.T) {
						t.Parallel()
						rebuilt(t, whole, script, position{n, int(m), begins})
					})
				}
			}
		}
	}
}

// position is where an engine was lost and when it is started again.
type position struct {
	commands, events int
	begins           time.Time
}

func rebuilt(t *testing.T, whole *bench, script []said, p position) {
	t.Helper()
	ledger := whole.ledger.Rewind(caseID, p.commands, p.events)
	b := on(t, ledger, hearingOnly(t), whole.start, p.begins, script[p.events-1:])
	b.mustRun(t)
	seen := map[string]int{}
	for _, step := range way(ledger) {
		seen[step]++
	}
	for _, step := range way(whole.ledger) {
		if step != "nothing/overdue" && seen[step] != 1 {
			t.Errorf("%s was done %d times in %v, the case went %v", step, seen[step], way(ledger), way(whole.ledger))
		}
		delete(seen, step)
	}
	if len(seen) > 0 || ledger.State(caseID) != procedure.Closed {
		t.Errorf("done besides: %v, state %s", seen, ledger.State(caseID))
	}
	if diff := cmp.Diff(whole.ledger.Effects(caseID)[:p.commands], ledger.Effects(caseID)[:p.commands]); diff != "" {
		t.Errorf("kept effects (-want +got):\n%s", diff)
	}
}

// An answer reaches the ledger exactly when the expiry is asked for; then, while ingress has not caught up, another one.
func TestAnExpiryThatMeetsAnAnswerInTimeIsNone(t *testing.T) {
	t.Parallel()
	b := hearing(t, workflowtest.Received, said{"nothing", "agreed", due("nothing")}, said{"disregardable", "agreed", due("disregardable")})
	asked := 0
	b.ledger.Before = func(c engine.Command) error {
		if c.Step != "deemed/expired" {
			return nil
		}
		if asked++; asked <= 5 {
			return contracts.Errorf(contracts.Unavailable, "wait for ingress", "not yet")
		}
		b.ledger.AnswerAt(caseID, "deemed", "objected", nil, due("deemed"))
		return nil
	}
	b.mustRun(t)
	if diff := cmp.Diff(append(slices.Clone(assignments), "refused"), way(b.ledger)); diff != "" || asked != 6 {
		t.Errorf("asked %d times, way (-want +got):\n%s", asked, diff)
	}
}

// A task that silence never ends calls for a person once, whatever happens afterwards.
func TestATaskThatIsOverdueCallsForAPersonOnce(t *testing.T) {
	t.Parallel()
	b := hearing(t, workflowtest.Received)
	for n := range 5 {
		b.at(time.Duration(16+n)*day, func() []engine.Event { return []engine.Event{b.ledger.Append(caseID, neutral)} })
	}
	b.at(40*day, func() []engine.Event {
		return []engine.Event{b.ledger.AnswerAt(caseID, "nothing", "agreed", nil, workflowtest.Received.Add(40*day))}
	})
	b.mustRun(t)
	var told []engine.Move
	for _, e := range b.ledger.Effects(caseID) {
		if m, ok := e.Command.(engine.Move); ok && m.Attention != "" {
			told = append(told, m)
		}
	}
	want := []engine.Move{{
		Command:   engine.Command{StepKey: engine.StepKey{Case: caseID, Step: "nothing/overdue", Pass: 1}, AfterSeq: 1},
		Attention: engine.Overdue,
	}}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("calls for a person (-want +got):\n%s", diff)
	}
	if got := way(b.ledger); got[len(got)-1] != "done" {
		t.Errorf("way %v", got)
	}
}

// A holder that is not competent has answered: silence ends nothing any more, and a person has to look.
func TestATaskWhoseHolderIsNotCompetentDoesNotExpire(t *testing.T) {
	t.Parallel()
	b := hearing(t, workflowtest.Received, said{"deemed", engine.NotCompetent, due("deemed").Add(-day)})
	b.runUntilItWaits(t)
	want := append(slices.Clone(assignments), "deemed/attention", "nothing/overdue", "disregardable/expired")
	if diff := cmp.Diff(want, way(b.ledger)); diff != "" {
		t.Errorf("way (-want +got):\n%s", diff)
	}
}

// While one step waits for a person, silence goes on saying what the law lets it say; in a rebuilt process too.
func TestSilenceEndsTasksWhileAStepWaitsForAPerson(t *testing.T) {
	t.Parallel()
	mended := workflowtest.Received.Add(25 * day)
	denied := func(b *bench) {
		b.ledger.Before = func(c engine.Command) error {
			if c.Step == "nothing" && b.env.Now().Before(mended) {
				return contracts.Errorf(contracts.Denied, "route task", "refused")
			}
			return nil
		}
	}
	b := hearing(t, workflowtest.Received)
	denied(b)
	b.at(25*day, func() []engine.Event { return []engine.Event{b.ledger.Append(caseID, neutral)} })
	b.at(26*day, func() []engine.Event {
		return []engine.Event{b.ledger.AnswerAt(caseID, "nothing", "agreed", nil, mended.Add(day))}
	})
	b.mustRun(t)
	want := []string{"deemed", "disregardable", "nothing/attention", "deemed/expired", "disregardable/expired", "nothing"}
	if diff := cmp.Diff(want, way(b.ledger)[:len(want)]); diff != "" {
		t.Errorf("way (-want +got):\n%s", diff)
	}
	for n := 3; n <= 5; n++ {
		r := on(t, b.ledger.Rewind(caseID, n, 1), hearingOnly(t), b.start, workflowtest.Received.Add(22*day), nil)
		denied(r)
		r.at(3*day, func() []engine.Event { return []engine.Event{r.ledger.Append(caseID, neutral)} })
		r.at(4*day, func() []engine.Event {
			return []engine.Event{r.ledger.AnswerAt(caseID, "nothing", "agreed", nil, mended.Add(day))}
		})
		r.mustRun(t)
		got := way(r.ledger)[:len(want)]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rebuilt after %d commands (-want +got):\n%s", n, diff)
		}
	}
}
