package starter_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
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
	s.got = append(s.got, start.Case+" "+start.Definition+" "+e.ID+" "+e.Outcome)
	return nil
}

// memory is the ledger as the starter sees it.
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
	s, m := &signals{}, memory(held)
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
