package permit

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/workflows/workflowtest"
)

// TestARebuiltProcessRepeatsNoEffect loses the engine after each command of a move, with every number of events that the
// ledger can hold then, and starts the process again on what the ledger kept.
func TestARebuiltProcessRepeatsNoEffect(t *testing.T) {
	t.Parallel()
	b := moving(t)
	b.office()
	b.mustRun(t)
	whole := b.ledger.Effects(caseID)
	for n := range whole { // after the last command the case has ended
		known := int64(1)
		if n > 0 {
			known = whole[n-1].Result.EngineSeq
		}
		for m := known; m <= answerable(n); m++ {
			t.Run(fmt.Sprintf("after %d commands and %d events", n, m), func(t *testing.T) {
				t.Parallel()
				ledger := b.ledger.Rewind(caseID, n, int(m))
				again := newBench(t, ledger, sourceOf(t), b.start)
				for seq, step := range map[int64]string{2: "register", 3: "forward"} {
					if m < seq {
						outcome := map[string]string{"register": "registered", "forward": "deregistered"}[step]
						again.answer(time.Duration(seq)*time.Hour, step, outcome, fact.Values{"indications_of_violation": true})
					}
				}
				var given []string
				ledger.Before = func(c engine.Command) error { given = append(given, c.Step); return nil }
				again.mustRun(t)
				if diff := cmp.Diff(way(b.ledger)[n:], given); diff != "" {
					t.Errorf("commands given (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(whole[:n], ledger.Effects(caseID)[:n]); diff != "" {
					t.Errorf("kept effects (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(way(b.ledger), way(ledger)); diff != "" {
					t.Errorf("way (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// answerable is the last event that can have happened after n commands: a task is answered after it was assigned.
func answerable(n int) int64 {
	switch {
	case n == 0:
		return 1
	case n < 3:
		return 2
	}
	return 3
}

// TestARebuiltProcessAppliesNoEventTooEarly rebuilds a process whose ledger holds events that came after its last command.
// The steps that the ledger keeps are passed under the EngineSeq with which they were done; the next command names all.
func TestARebuiltProcessAppliesNoEventTooEarly(t *testing.T) {
	t.Parallel()
	ledger, definitions, start := submitted(t, workflowtest.Permit, fact.Values{"full_move": true})
	first := newBench(t, ledger, definitions, start)
	first.answer(time.Hour, "hear", "agreed", fact.Values{"indications_of_violation": true})
	first.answer(2*time.Hour, "decide", "granted", nil)
	first.mustRun(t)

	const kept = 2 // hear, decide
	late := ledger.Rewind(caseID, kept, 3)
	for range 4 {
		late.Append(caseID, neutral)
	}
	newBench(t, late, definitions, start).mustRun(t)
	var after []int64
	for _, e := range late.Effects(caseID) {
		after = append(after, e.Result.EngineSeq)
	}
	if diff := cmp.Diff([]int64{1, 2, 7, 7}, after); diff != "" {
		t.Errorf("EngineSeq of the commands (-want +got):\n%s", diff)
	}
}

func TestResultsLimitEventsToThoseThatTheNextKeptStepKnew(t *testing.T) {
	t.Parallel()
	r := newResults([]engine.Result{
		{Step: "a", Pass: 1, EngineSeq: 1}, {Step: "b", Pass: 1, EngineSeq: 4}, {Step: "c", Pass: 1, EngineSeq: 4},
	})
	for _, want := range []struct {
		step  string
		limit int64
	}{{"a", 1}, {"b", 4}, {"c", 4}} {
		if got := r.limit(); got != want.limit {
			t.Errorf("limit before %s = %d, want %d", want.step, got, want.limit)
		}
		res, ok := r.stored(want.step, 1)
		if !ok {
			t.Fatalf("no result of %s", want.step)
		}
		r.pass(res)
	}
	if got := r.limit(); got < 1<<60 {
		t.Errorf("limit after the last kept result = %d, want none", got)
	}
}

func TestALedgerThatContradictsItselfStopsTheProcess(t *testing.T) {
	t.Parallel()
	b := moving(t)
	b.office()
	b.mustRun(t)
	cases := map[string]*workflowtest.Ledger{
		"a result names an event that is not there":        b.ledger.Rewind(caseID, 4, 1),
		"a step was done before its predecessor's outcome": b.ledger.Rewind(caseID, 2, 1),
	}
	for name, ledger := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again := newBench(t, ledger, sourceOf(t), b.start)
			err := again.run()
			if err == nil {
				t.Fatal("the process went on")
			}
			if got := len(ledger.Effects(caseID)); got != 4 && got != 2 {
				t.Errorf("%d commands, want no new one", got)
			}
		})
	}
}
