package starter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/starter"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// signals is an engine that notes what it was handed and answers as told.
type signals struct {
	got     []string
	answer  error
	db      *sqlstore.DB
	then    func()                     // is called after each event that was taken
	refused string                     // id of the one event that is not taken
	panics  string                     // id of the one event at which the engine's client panics
	runs    map[string]engine.RunState // absent when not named
	resumed []string
}

func (s *signals) State(_ context.Context, caseID string) (engine.RunState, error) {
	if s.answer != nil {
		return "", s.answer
	}
	if state, ok := s.runs[caseID]; ok {
		return state, nil
	}
	return engine.Absent, nil
}

func (s *signals) Resume(_ context.Context, start engine.Start) error {
	s.resumed = append(s.resumed, start.Case)
	s.runs[start.Case] = engine.Running
	return nil
}

func (s *signals) HandOver(_ context.Context, start engine.Start, e engine.Event) error {
	if s.answer != nil {
		return s.answer
	}
	if e.ID == s.panics {
		panic(e.ID)
	}
	if e.ID == s.refused {
		return contracts.Errorf(contracts.Unavailable, "signal", "not now")
	}
	s.got = append(s.got, start.Case+" "+start.Definition+" "+e.ID+" "+e.Outcome)
	if s.then != nil {
		s.then()
	}
	return nil
}

// memory is the ledger as the starter sees it.
// ids are those of the events that were handed over.
func (s *signals) ids() (out []string) {
	for _, line := range s.got {
		out = append(out, strings.Fields(line)[2])
	}
	return out
}

type memory []event.Recorded

func (m *memory) CaseEvents(_ context.Context, _ sqlstore.Querier, caseID string, after int64, _ int) ([]event.Recorded, error) {
	var out []event.Recorded
	for _, e := range *m {
		if e.Case == caseID && e.CaseSeq > after {
			out = append(out, e)
		}
	}
	return out, nil
}

func setup(t *testing.T, state string, held ...event.Recorded) (*signals, *starter.Starter, *memory) {
	t.Helper()
	db := sqlstoretest.Open(t)
	sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: "c1", State: state})
	s, m := &signals{db: db}, memory(held)
	return s, starter.New(starter.Config{DB: db, Ledger: &m, Engine: s, Log: slog.New(slog.DiscardHandler)}), &m
}

func answer(seq, engineSeq int64) event.Recorded {
	data, err := json.Marshal(event.TaskCompleted{Task: "t", Step: "register", Outcome: "registered"})
	if err != nil {
		panic(err)
	}
	return event.Recorded{ID: "t/answer", Type: event.TypeTaskCompleted, Case: "c1", CaseSeq: seq, EngineSeq: engineSeq, Data: data}
}

func opening() event.Recorded {
	return event.Recorded{ID: "s1", Type: event.TypeCaseSubmitted, Case: "c1", CaseSeq: 1, EngineSeq: 1, Data: json.RawMessage(`{}`)}
}

func TestEventsAreHandedOverOnceAndInOrder(t *testing.T) {
	t.Parallel()
	silent := event.Recorded{ID: "x", Type: event.TypeTaskAssigned, Case: "c1", CaseSeq: 2}
	s, st, m := setup(t, "received", opening(), silent)
	handle := func(batch ...event.Recorded) {
		t.Helper()
		if err := st.Handle(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	handle(opening(), silent)
	*m = append(*m, answer(3, 2))
	handle(opening(), silent, answer(3, 2))
	handle(answer(3, 2))
	if want := []string{"c1 d s1 ", "c1 d t/answer registered"}; !slices.Equal(s.got, want) {
		t.Errorf("handed over %q", s.got)
	}
}

func TestTheEventLogIsAHintAndTheLedgerTheRecord(t *testing.T) {
	t.Parallel()
	s, st, _ := setup(t, "received", opening())
	forged := answer(999, 7)
	nowhere := answer(1, 1)
	nowhere.Case = "no-such-case"
	if err := st.Handle(t.Context(), []event.Recorded{forged, nowhere}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"c1 d s1 "}; !slices.Equal(s.got, want) {
		t.Errorf("handed over %q, want the one event that the ledger holds", s.got)
	}
}

func TestAnEngineThatDoesNotAnswerLosesNothing(t *testing.T) {
	t.Parallel()
	s, st, _ := setup(t, "received", opening())
	s.answer = errors.New("no connection")
	if err := st.Handle(t.Context(), []event.Recorded{opening()}); !errors.Is(err, s.answer) {
		t.Fatalf("got %v", err)
	}
	s.answer = nil
	if err := st.Handle(t.Context(), []event.Recorded{opening()}); err != nil || len(s.got) != 1 {
		t.Errorf("%v, handed over %q", err, s.got)
	}
}

func TestWhatWasHandedOverBeforeAFailureIsNotHandedOverAgain(t *testing.T) {
	t.Parallel()
	of := func(caseID, id string, seq int64) event.Recorded {
		e := answer(seq, seq)
		e.Case, e.ID = caseID, id
		return e
	}
	batch := []event.Recorded{of("c1", "a1", 1), of("c2", "b1", 1), of("c2", "b2", 2), of("c3", "z1", 1)}
	for how, c := range map[string]struct {
		fail func(s *signals, leave func())
		want []string
	}{
		"refused": {func(s *signals, _ func()) { s.refused = "b2" }, []string{"a1", "b1", "b2", "z1"}},
		"leaves":  {func(s *signals, leave func()) { s.then = leave }, []string{"a1", "b1", "b2", "z1"}},
		// Of the case that panicked nothing is kept.
		"panics": {func(s *signals, _ func()) { s.panics = "b2" }, []string{"a1", "b1", "b1", "b2", "z1"}},
	} {
		s, st, _ := setup(t, "received", batch...)
		for _, id := range []string{"c2", "c3"} {
			sqlstoretest.InsertCase(t, s.db, sqlstoretest.Case{ID: id, State: "received"})
		}
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		c.fail(s, leave)
		if err := handled(ctx, st, batch); err == nil {
			t.Fatalf("%s: no error", how)
		}
		s.refused, s.panics, s.then = "", "", nil
		if err := st.Handle(t.Context(), batch); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if got := s.ids(); !slices.Equal(got, c.want) {
			t.Errorf("%s: handed over %v, want %v", how, got, c.want)
		}
	}
}

// handled makes an error of a panic.
func handled(ctx context.Context, st *starter.Starter, batch []event.Recorded) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return st.Handle(ctx, batch)
}

func TestACaseThatHasEndedGetsNothing(t *testing.T) {
	t.Parallel()
	s, st, _ := setup(t, "closed", answer(9, 3))
	if err := st.Handle(t.Context(), []event.Recorded{answer(9, 3)}); err != nil || len(s.got) != 0 {
		t.Errorf("closed in the ledger: %v, %q", err, s.got)
	}
}

func TestWhateverTheEngineSaysAnEventOfAnOpenCaseIsNotDropped(t *testing.T) {
	t.Parallel()
	s, st, _ := setup(t, "received", answer(9, 3))
	s.answer = contracts.Errorf(contracts.Conflict, "signal", "workflow has ended")
	if err := st.Handle(t.Context(), []event.Recorded{answer(9, 3)}); err == nil {
		t.Error("the event of a case that the ledger holds open was dropped")
	}
}
