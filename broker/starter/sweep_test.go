package starter

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts/engine"
)

// emptied is an engine that may have lost cases.
type emptied struct {
	Engine
	runs    map[string]engine.RunState
	resumed []string
	asked   int
	answer  error
	closes  func(caseID string) // what happens while it is asked
}

func (e *emptied) State(_ context.Context, caseID string) (engine.RunState, error) {
	e.asked++
	if e.closes != nil {
		e.closes(caseID)
	}
	if state, ok := e.runs[caseID]; ok || e.answer != nil {
		return state, e.answer
	}
	return engine.Absent, nil
}

func (e *emptied) Resume(_ context.Context, start engine.Start) error {
	e.resumed = append(e.resumed, start.Case)
	e.runs[start.Case] = engine.Running
	return nil
}

// sweeping has cases that were handed over, and an engine that runs them.
func sweeping(t *testing.T, cases ...string) (*sqlstore.DB, *emptied, *Starter) {
	t.Helper()
	db := sqlstoretest.Open(t)
	e := &emptied{runs: map[string]engine.RunState{}}
	for _, id := range cases {
		sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: id})
		sqlstoretest.Exec(t, db, `insert into consumer_positions (consumer, case_id, case_seq) values ($1, $2, 1)`, Consumer, id)
		e.runs[id] = engine.Running
	}
	return db, e, New(Config{DB: db, Engine: e, Page: 2, Log: slog.New(slog.DiscardHandler)})
}

func TestAnOpenCaseWithoutAProcessIsStartedAgain(t *testing.T) {
	t.Parallel()
	db, e, s := sweeping(t, "c1", "c2", "c3", "c4", "c5")
	delete(e.runs, "c2")                                                                                      // the engine was emptied
	e.runs["c5"] = engine.Ended                                                                               // the ledger was restored to an earlier day
	sqlstoretest.Exec(t, db, `update cases set state = 'closed', closed_at = $1 where id = 'c3'`, time.Now()) // ended
	delete(e.runs, "c3")
	sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: "c6"}) // not handed over yet: its event will start it
	started, err := s.sweep(t.Context())
	if err != nil || started != 2 || !slices.Equal(e.resumed, []string{"c2", "c5"}) {
		t.Errorf("started %d, %q, %v", started, e.resumed, err)
	}
	if started, err := s.sweep(t.Context()); err != nil || started != 0 {
		t.Errorf("a second sweep started %d, %v", started, err)
	}
}

func TestACaseThatEndsWhileItIsLookedAtIsNotStarted(t *testing.T) {
	t.Parallel()
	db, e, s := sweeping(t, "c1")
	e.runs["c1"] = engine.Ended
	e.closes = func(id string) {
		sqlstoretest.Exec(t, db, `update cases set state = 'closed', closed_at = $2 where id = $1`, id, time.Now())
	}
	if started, err := s.sweep(t.Context()); err != nil || started != 0 {
		t.Errorf("started %d, %v", started, err)
	}
}

func TestACaseThatADeadLetterStopsIsLeftAlone(t *testing.T) {
	t.Parallel()
	db, e, s := sweeping(t, "c1", "c2")
	e.runs = map[string]engine.RunState{}
	sqlstoretest.InsertDeadLetter(t, db, sqlstoretest.DeadLetter{ID: "l1", Consumer: Consumer, Case: "c1", State: "dead"})
	if _, err := s.sweep(t.Context()); err != nil || !slices.Equal(e.resumed, []string{"c2"}) {
		t.Errorf("started %q, %v", e.resumed, err)
	}
	sqlstoretest.Exec(t, db, `update dead_letters set state = 'resent'`)
	if _, err := s.sweep(t.Context()); err != nil || !slices.Equal(e.resumed, []string{"c2", "c1"}) {
		t.Errorf("after the letter was sent again: %q, %v", e.resumed, err)
	}
}

func TestATurnLooksAtOnePageUntilSomethingIsMissing(t *testing.T) {
	t.Parallel()
	_, e, s := sweeping(t, "c1", "c2", "c3", "c4", "c5")
	after, all, err := s.turn(t.Context(), "", false)
	if err != nil || after != "c2" || all || e.asked != 2 {
		t.Fatalf("first page: behind %q, all %v, asked %d, %v", after, all, e.asked, err)
	}
	e.runs = map[string]engine.RunState{}
	after, all, err = s.turn(t.Context(), after, false)
	if err != nil || after != "" || all || len(e.resumed) != 5 {
		t.Errorf("behind %q, all %v, started %q, %v", after, all, e.resumed, err)
	}
	e.answer = errors.New("no connection")
	if _, all, err := s.turn(t.Context(), "", true); err == nil || !all {
		t.Errorf("a whole sweep that failed is not repeated: %v, %v", all, err)
	}
}
