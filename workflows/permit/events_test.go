package permit

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/workflows/workflowtest"
)

func TestTheInboxAppliesEachEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 12).Draw(t, "events")
		offers := rapid.SliceOf(rapid.Int64Range(1, n)).Draw(t, "offers")
		limit := rapid.Int64Range(0, n).Draw(t, "limit")
		b := newInbox()
		var got []int64
		drain := func(limit int64) {
			for {
				e, ok := b.next(limit)
				if !ok {
					return
				}
				got = append(got, e.EngineSeq)
			}
		}
		for _, seq := range offers {
			b.offer(engine.Event{EngineSeq: seq})
			drain(limit)
			if b.applied > limit {
				t.Fatalf("applied %d above the limit %d", b.applied, limit)
			}
		}
		for seq := int64(1); seq <= n; seq++ {
			b.offer(engine.Event{EngineSeq: seq})
		}
		drain(math.MaxInt64)
		for i, seq := range got {
			if seq != int64(i)+1 {
				t.Fatalf("order = %v", got)
			}
		}
		if int64(len(got)) != n || len(b.held) != 0 || b.gap() {
			t.Fatalf("applied %v of %d, held %d", got, n, len(b.held))
		}
	})
}

func TestAGapIsSeenOnlyWhenALaterEventIsHere(t *testing.T) {
	t.Parallel()
	b := newInbox()
	if b.gap() {
		t.Error("an empty inbox has a gap")
	}
	b.offer(engine.Event{EngineSeq: 2})
	if !b.gap() {
		t.Error("no gap although 1 is missing before 2")
	}
	b.offer(engine.Event{EngineSeq: 1})
	if b.gap() {
		t.Error("a gap although 1 and 2 are here")
	}
}

// TestSignalsMayComeInAnyOrderTwiceOrNotAtAll lets six events happen at six hours and signals an arbitrary selection of
// what has happened by then; only the last event is sure to be signalled.
func TestSignalsMayComeInAnyOrderTwiceOrNotAtAll(t *testing.T) {
	t.Parallel()
	ledger0, definitions, start := submitted(t, workflowtest.Registration, fact.Values{"full_move": true})
	rapid.Check(t, func(rt *rapid.T) {
		ledger := ledger0.Rewind(caseID, 0, 1)
		b := newBench(t, ledger, definitions, start)
		var happened []engine.Event
		happen := []func() engine.Event{
			func() engine.Event { return ledger.Append(caseID, neutral) },
			func() engine.Event { return ledger.Answer(caseID, "register", "registered", nil) },
			func() engine.Event { return ledger.Append(caseID, neutral) },
			func() engine.Event { return ledger.Append(caseID, neutral) },
			func() engine.Event { return ledger.Answer(caseID, "forward", "deregistered", nil) },
		}
		for i, f := range happen {
			last := i == len(happen)-1
			picks := rapid.SliceOfN(rapid.IntRange(0, i), 0, 4).Draw(rt, "signals")
			b.at(time.Duration(i+1)*time.Hour, func() []engine.Event {
				happened = append(happened, f())
				var signals []engine.Event
				for _, p := range picks {
					signals = append(signals, happened[p])
				}
				// The starter hands over the answers that somebody waits for, at the latest with the next event.
				if last || i == 1 {
					signals = append(signals, happened[i])
				}
				return signals
			})
		}
		if err := b.run(); err != nil {
			rt.Fatal(err)
		}
		want := []string{"register", "acknowledge", "forward", "inform", "done"}
		if diff := cmp.Diff(want, way(ledger)); diff != "" {
			rt.Fatalf("way (-want +got):\n%s", diff)
		}
	})
}

// TestNewsAtAnyCommandIsAppliedBeforeTheCommandIsGivenAgain lets the ledger learn of up to three events exactly when a
// command arrives, without any signal.
func TestNewsAtAnyCommandIsAppliedBeforeTheCommandIsGivenAgain(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"register", "acknowledge", "forward", "inform", "done"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			b := moving(t)
			b.office()
			news := 3
			b.ledger.Before = func(c engine.Command) error {
				if c.Step == step && news > 0 {
					news--
					b.ledger.Append(caseID, neutral)
				}
				return nil
			}
			b.mustRun(t)
			if news != 0 {
				t.Fatalf("the command was given %d times less than news came", news)
			}
			want := []string{"register", "acknowledge", "forward", "inform", "done"}
			if diff := cmp.Diff(want, way(b.ledger)); diff != "" {
				t.Errorf("way (-want +got):\n%s", diff)
			}
			if s := b.ledger.State(caseID); s != procedure.Closed {
				t.Errorf("state = %s, want closed", s)
			}
		})
	}
}

func TestAnOutcomeThatIsNewsAtTheAnnouncementIsAnnounced(t *testing.T) {
	t.Parallel()
	ledger, definitions, start := submitted(t, earlyOutcome, fact.Values{"full_move": true})
	b := newBench(t, ledger, definitions, start)
	answered := false
	ledger.Before = func(c engine.Command) error {
		if c.Step == "inform" && !answered {
			answered = true
			ledger.Answer(caseID, "look", "done", fact.Values{"indications_of_violation": true})
		}
		return nil
	}
	b.mustRun(t)
	announce, ok := ledger.Effects(caseID)[1].Command.(engine.Announce)
	if !ok || announce.AfterSeq != 2 || announce.Facts["indications_of_violation"] != true {
		t.Errorf("announcement = %+v, want the fact that came while it was on its way", announce)
	}
}

const earlyOutcome = `process: early-outcome
engine: 1
steps:
  - id: look
    task: { role: lead, purpose: notice.register, law: gewo-15-1, start: receipt, outcomes: [done], outcome_facts: [indications_of_violation], await: false }
  - id: inform
    call: announce
    with: { purposes: [notice.inform] }
  - id: looked
    wait: { task: look }
  - id: done
    end: closed
`
