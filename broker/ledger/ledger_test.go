package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/ledger"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

type bench struct {
	db     *sqlstore.DB
	ledger *ledger.Ledger
	place  sqlstore.Config
}

func setup(t *testing.T, projectors ...ledger.Projector) bench {
	t.Helper()
	place := sqlstoretest.Place(t)
	db := sqlstoretest.OpenConfig(t, place)
	l := ledger.New(ledger.Config{DB: db, Operator: "bayern", Key: ledger.NewKey(make([]byte, 32)), Projectors: projectors})
	if err := l.RememberKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	return bench{db, l, place}
}

func submitted(caseID string) event.Draft {
	return event.Draft{
		ID: "portal/" + caseID, Source: "urn:efa:operator:bayern", Type: event.TypeCaseSubmitted, Case: caseID, Tenant: "muenchen",
		Actor: actor.Actor{ID: "portal-bayern", Role: actor.Portal},
		Data: event.CaseSubmitted{
			Service: "99050012104000", Package: "p", Definition: "d", Procedure: procedure.Notification, Lead: "gewerbeamt-muenchen",
			Parties: []authority.Party{{Role: authority.Lead, Authority: "gewerbeamt-muenchen"}}, Facts: fact.Values{"full_move": true},
		},
	}
}

func completed(caseID string, n int, outcome string) event.Draft {
	return event.Draft{
		ID: fmt.Sprintf("%s.s%d/answer", caseID, n), Source: "urn:efa:operator:bayern", Type: event.TypeTaskCompleted, Case: caseID, Tenant: "muenchen",
		Data: event.TaskCompleted{Task: "t", Step: "s", Outcome: outcome},
	}
}

func (b bench) append(t *testing.T, drafts ...event.Draft) ([]event.Recorded, error) {
	t.Helper()
	var out []event.Recorded
	err := b.db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		r, err := b.ledger.Append(t.Context(), tx, drafts...)
		out = r
		return err
	})
	return out, err
}

func (b bench) must(t *testing.T, drafts ...event.Draft) []event.Recorded {
	t.Helper()
	out, err := b.append(t, drafts...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSequencesHaveNoGapsUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, submitted("c1"), submitted("c2"))
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 10 {
				_, err := b.append(t, completed("c1", w*100+i, "x"), event.Draft{
					ID: fmt.Sprintf("c2/%d/%d", w, i), Source: "s", Type: event.TypeCaseEscalated, Case: "c2", Data: event.CaseEscalated{Step: "s"},
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for caseID, engineEvents := range map[string]int{"c1": 41, "c2": 1} {
		events, err := b.ledger.CaseEvents(t.Context(), b.db.Read(), caseID, 0, 1000)
		if err != nil || len(events) != 41 {
			t.Fatalf("%s: %d events, %v", caseID, len(events), err)
		}
		for i, e := range events {
			if e.CaseSeq != int64(i)+1 {
				t.Errorf("%s: event %d has case_seq %d", caseID, i, e.CaseSeq)
			}
		}
		handed, err := b.ledger.Events(t.Context(), caseID, 0)
		if err != nil || len(handed) != engineEvents || handed[len(handed)-1].EngineSeq != int64(engineEvents) {
			t.Errorf("%s: handed over %d, %v", caseID, len(handed), err)
		}
	}
	if v, err := b.ledger.Verify(t.Context(), "bayern"); err != nil || !v.Valid || v.Receipts != 82 || v.Cases != 2 {
		t.Errorf("verification %+v, %v", v, err)
	}
}

func TestARepeatChangesNothingAndAnotherBodyIsAConflict(t *testing.T) {
	t.Parallel()
	projected := 0
	b := setup(t, func(context.Context, *sqlstore.Tx, event.Recorded) error { projected++; return nil })
	first := b.must(t, submitted("c1"), completed("c1", 1, "registered"))
	again := b.must(t, completed("c1", 1, "registered"))
	if !again[0].Repeated || again[0].CaseSeq != first[1].CaseSeq || projected != 2 {
		t.Errorf("repeat %+v, projected %d times", again[0], projected)
	}
	if _, err := b.append(t, completed("c1", 1, "refused")); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("equivocation answered %v", err)
	}
}

// A newer program records a member that this one does not know; the answer comes again through this one.
func TestARepeatOfWhatANewerProgramRecordedIsARepeat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, submitted("c1"), completed("c1", 1, "registered"))
	sqlstoretest.Exec(t, b.db, `update events set data = replace(data, '{"task_id"', '{"later":"x","task_id"') where case_seq = 2`)
	if again := b.must(t, completed("c1", 1, "registered")); !again[0].Repeated {
		t.Errorf("recorded again: %+v", again)
	}
	if _, err := b.append(t, completed("c1", 1, "refused")); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("another answer: %v", err)
	}
}

func TestAFailingProjectorLeavesNothing(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	b := setup(t, func(_ context.Context, _ *sqlstore.Tx, r event.Recorded) error {
		if r.Type == event.TypeTaskCompleted {
			return boom
		}
		return nil
	})
	b.must(t, submitted("c1"))
	if _, err := b.append(t, completed("c1", 1, "registered")); !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	events, err := b.ledger.CaseEvents(t.Context(), b.db.Read(), "c1", 0, 10)
	if err != nil || len(events) != 1 {
		t.Errorf("%d events, %v", len(events), err)
	}
	if v, err := b.ledger.Verify(t.Context(), "bayern"); err != nil || !v.Valid || v.Receipts != 1 {
		t.Errorf("verification %+v, %v", v, err)
	}
}

// TestAnEventAboveTheLimitIsRefused fills an event to 64 KiB, envelope included, and one byte more: what the ledger
// accepts the relay has to be able to publish.
func TestAnEventAboveTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, submitted("c1"))
	largest := func(n int) event.Draft {
		d := completed("c1", n, "")
		data, err := json.Marshal(d.Data)
		if err != nil {
			t.Fatal(err)
		}
		return completed("c1", n, strings.Repeat("x", event.MaxBytes-event.Size(d, data, "")))
	}
	over := largest(1)
	data, ok := over.Data.(event.TaskCompleted)
	if !ok {
		t.Fatalf("data are a %T", over.Data)
	}
	data.Outcome += "x"
	over.Data = data
	if _, err := b.append(t, over); contracts.KindOf(err) != contracts.TooLarge || err == nil {
		t.Errorf("64 KiB and one byte: %v", err)
	}
	if got := b.must(t, largest(2)); len(got) != 1 || got[0].CaseSeq != 2 {
		t.Errorf("64 KiB: %+v", got)
	}
}

func TestEventsOfACaseThatDoesNotExistAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := b.append(t, completed("nowhere", 1, "x")); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestAfterTheEndEventsAreRecordedButNotHandedOver(t *testing.T) {
	t.Parallel()
	b := setup(t, func(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error {
		if r.Type != event.TypeCaseClosed {
			return nil
		}
		_, err := tx.Exec(ctx, `update cases set state = $2 where id = $1`, r.Case, procedure.Closed)
		return err
	})
	b.must(t, submitted("c1"), event.Draft{ID: "end", Source: "s", Type: event.TypeCaseClosed, Case: "c1", Data: event.CaseClosed{}})
	late := b.must(t, completed("c1", 1, "registered"))
	if late[0].CaseSeq != 3 || late[0].EngineSeq != 0 {
		t.Errorf("late event %+v", late[0])
	}
	cmd := engine.Command{StepKey: engine.StepKey{Case: "c1", Step: "s", Pass: 1}, AfterSeq: 1}
	if _, err := b.ledger.Step(t.Context(), cmd, func(*sqlstore.Tx) (engine.Result, error) {
		t.Error("a step ran in a closed case")
		return engine.Result{}, nil
	}); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestAStepIsTakenOnceAndLosesToLaterEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, submitted("c1"), completed("c1", 1, "registered"))
	key := engine.StepKey{Case: "c1", Step: "forward", Pass: 1}
	runs := 0
	step := func(after int64) engine.Result {
		t.Helper()
		r, err := b.ledger.Step(t.Context(), engine.Command{StepKey: key, AfterSeq: after}, func(tx *sqlstore.Tx) (engine.Result, error) {
			runs++
			_, err := b.ledger.Append(t.Context(), tx, event.Draft{ID: "c1/forward/1/1", Source: "s", Type: event.TypeCaseEscalated, Case: "c1", Data: event.CaseEscalated{}})
			return engine.Result{Task: "t1"}, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := step(1); runs != 0 || len(r.Later) != 1 || r.Later[0].Outcome != "registered" {
		t.Fatalf("a step that has not seen the answer: %+v after %d runs", r, runs)
	}
	if r := step(2); runs != 1 || r.Task != "t1" || r.EngineSeq != 2 {
		t.Fatalf("the step: %+v after %d runs", r, runs)
	}
	if r := step(1); runs != 1 || r.Task != "t1" || len(r.Later) != 0 {
		t.Errorf("the stored result must win: %+v after %d runs", r, runs)
	}
	results, err := b.ledger.Results(t.Context(), b.db.Read(), "c1")
	if err != nil || len(results) != 1 || results[0].Step != "forward" {
		t.Errorf("stored results %+v, %v", results, err)
	}
}

// Two workers may hold the same step, and each may die before it reports: the step is taken once.
func TestAStepThatSeveralTakeAtOnceIsTakenOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, submitted("c1"))
	cmd := engine.Command{StepKey: engine.StepKey{Case: "c1", Step: "forward", Pass: 1}, AfterSeq: 1}
	var runs atomic.Int32
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			r, err := b.ledger.Step(t.Context(), cmd, func(tx *sqlstore.Tx) (engine.Result, error) {
				_, err := b.ledger.Append(t.Context(), tx, event.Draft{ID: "c1/forward/1/1", Source: "s", Type: event.TypeCaseEscalated, Case: "c1", Data: event.CaseEscalated{}})
				return engine.Result{Task: fmt.Sprint("t", runs.Add(1))}, err
			})
			if err != nil || r.Task != "t1" {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	wg.Wait()
	events, err := b.ledger.CaseEvents(t.Context(), b.db.Read(), "c1", 0, 10)
	if err != nil || len(events) != 2 || runs.Load() != 1 {
		t.Errorf("%d events, %d runs, %v", len(events), runs.Load(), err)
	}
}

// Appends that name the same cases in different orders take them in one order: none is run twice because of a deadlock.
func TestAppendsToTheSameCasesTakeThemInOneOrder(t *testing.T) {
	t.Parallel()
	var projected atomic.Int32
	b := setup(t, func(context.Context, *sqlstore.Tx, event.Recorded) error { projected.Add(1); return nil })
	b.must(t, submitted("c1"), submitted("c2"))
	note := func(caseID string, n int) event.Draft {
		return event.Draft{ID: fmt.Sprint(caseID, "/", n), Source: "s", Type: event.TypeCaseEscalated, Case: caseID, Data: event.CaseEscalated{Step: "s"}}
	}
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			first, second := "c1", "c2"
			if n%2 == 1 {
				first, second = second, first
			}
			if _, err := b.append(t, note(first, n), note(second, n)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := projected.Load(); n != 2+40 {
		t.Errorf("%d events were projected, want 42: one transaction was run twice", n)
	}
	// Instants follow the order of a case, whoever came first to the database.
	events, err := b.ledger.CaseEvents(t.Context(), b.db.Read(), "c1", 0, 100)
	if err != nil || !slices.IsSortedFunc(events, func(x, y event.Recorded) int { return x.Time.Compare(y.Time) }) {
		t.Errorf("instants out of order, %v", err)
	}
}

func TestVerificationFindsEveryTampering(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"data of an event":       `update events set data = '{"task_id":"t","step":"s","pass":0,"outcome":"refused"}' where case_seq = 2`,
		"time of an event":       `update events set at = '2020-01-01 00:00:00+00:00' where case_seq = 1`,
		"actor of an event":      `update events set actor = '{"id":"x","role":"portal"}' where case_seq = 1`,
		"digest in a receipt":    `update receipts set digest = hash where seq = 1`,
		"signature of a receipt": `update receipts set signature = (select signature from receipts where seq = 1) where seq = 2`,
		"a receipt that is gone": `delete from receipts where seq = 3`,
		"an event that is gone":  `delete from events where case_seq = 3`,
		"the head of the chain":  `update cases set receipt_head = 'x'`,
		"the order of two events": `update events set case_seq = case_seq + 10 where case_seq in (2, 3);
			update events set case_seq = 15 - case_seq where case_seq in (12, 13)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.must(t, submitted("c1"), completed("c1", 1, "a"), completed("c1", 2, "b"))
			for s := range strings.SplitSeq(statement, ";") {
				if _, err := sqlstoretest.Raw(t, b.place).ExecContext(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			v, err := b.ledger.Verify(t.Context(), "bayern")
			if err != nil || v.Valid || len(v.Problems) != 1 {
				t.Errorf("verification %+v, %v", v, err)
			}
		})
	}
}

func TestReceiptsVerifyAfterTheKeyWasReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, submitted("c1"))
	seed := make([]byte, 32)
	seed[0] = 1
	b.ledger = ledger.New(ledger.Config{DB: b.db, Operator: "bayern", Key: ledger.NewKey(seed)})
	if err := b.ledger.RememberKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.must(t, completed("c1", 1, "registered"))
	if v, err := b.ledger.Verify(t.Context(), "bayern"); err != nil || !v.Valid || v.Receipts != 2 {
		t.Errorf("verification %+v, %v", v, err)
	}
	if err := b.db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(t.Context(), `update receipt_keys set public = (select public from receipt_keys where id <> $1) where id = $1`, ledger.NewKey(make([]byte, 32)).ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if v, err := b.ledger.Verify(t.Context(), "bayern"); err != nil || v.Valid {
		t.Errorf("with another key under the old id: %+v, %v", v, err)
	}
}

func TestWhatADomainCannotProveStandsInTheVerification(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ledger.Prove(func(context.Context, authority.OperatorID) ([]string, error) {
		return []string{"a row was forged"}, nil
	})
	if v, err := b.ledger.Verify(t.Context(), "bayern"); err != nil || v.Valid || len(v.Problems) != 1 {
		t.Errorf("verification %+v, %v", v, err)
	}
}

// TestTheDigestOfAnEventNeverChanges pins the list of fields: receipts of earlier versions must verify for ever.
func TestTheDigestOfAnEventNeverChanges(t *testing.T) {
	t.Parallel()
	got := ledger.Digest(event.Recorded{
		ID: "c1/submitted", Source: "urn:efa:operator:bayern", Type: event.TypeCaseSubmitted, Case: "c1", Tenant: "muenchen", Operator: "bayern",
		Actor: actor.Actor{ID: "portal-bayern", Role: actor.Portal}, Time: time.Date(2026, 3, 2, 8, 0, 0, 1000, time.UTC), CaseSeq: 1, EngineSeq: 1,
		Data: []byte(`{}`),
	})
	if want := "892a3692b96f4ebef858dc84d469717c3c89e52cd2b61ba0d8fc1529f2d9f480"; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestTheSigningKeySurvivesARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "receipt.key")
	first, err := ledger.LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := ledger.LoadKey(path)
	if err != nil || first.ID != second.ID || !first.Private.Equal(second.Private) {
		t.Errorf("%s and %s, %v", first.ID, second.ID, err)
	}
}
