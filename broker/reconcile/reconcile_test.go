package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/reconcile"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/reconciliation"
)

// around is an event log, an outbox and a process engine in one; all cases lie in partition 0.
type around struct {
	first    int64 // offset of the oldest record
	records  []event.Recorded
	junk     int
	gaps     []reconcile.Gap
	replayed []reconcile.Selection
	runs     map[string]engine.Run
	did      []string
	fails    error
	hold     chan struct{} // when set, a scan waits for it
	db       *sqlstore.DB
}

func (a *around) Progress(context.Context, string) ([]event.Progress, error) {
	return []event.Progress{{First: a.first, End: a.first + int64(len(a.records)+a.junk)}}, a.fails
}

func (*around) Route(_ context.Context, cases ...string) ([]int, error) {
	return make([]int, len(cases)), nil
}

func (a *around) Scan(ctx context.Context, visit func(int, event.Recorded, error) error) error {
	if a.hold != nil {
		select {
		case <-a.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, r := range a.records {
		if err := visit(0, r, nil); err != nil {
			return err
		}
	}
	for range a.junk {
		if err := visit(0, event.Recorded{}, errors.New("no event")); err != nil {
			return err
		}
	}
	return nil
}

func (a *around) Gaps(_ context.Context, visit func(reconcile.Gap) error) error {
	for _, g := range a.gaps {
		if err := visit(g); err != nil {
			return err
		}
	}
	return nil
}

func (a *around) Replay(_ context.Context, s reconcile.Selection) (int64, error) {
	a.replayed = append(a.replayed, s)
	return max(1, s.UpTo-s.After), nil
}

func (*around) Unpublished(context.Context) (int64, error) { return 0, nil }

func (a *around) Run(_ context.Context, caseID string) (engine.Run, error) {
	if run, ok := a.runs[caseID]; ok {
		return run, nil
	}
	return engine.Run{State: engine.Absent}, nil
}

func (a *around) Resume(_ context.Context, start engine.Start) error {
	a.did = append(a.did, "resume "+start.Case+" "+start.Definition)
	return nil
}

func (a *around) HandOver(_ context.Context, start engine.Start, e engine.Event) error {
	a.did = append(a.did, fmt.Sprintf("hand over %s %d", start.Case, e.EngineSeq))
	return nil
}

// Events are the events of the engine: every case has two.
func (*around) Events(_ context.Context, _ string, after int64) ([]engine.Event, error) {
	return []engine.Event{{EngineSeq: 1}, {EngineSeq: 2}}[after:], nil
}

type onlyOperator struct{}

func (onlyOperator) Allow(_ context.Context, in decision.AccessInput) (bool, error) {
	return in.Role == actor.OperatorAdmin, nil
}

var operator = actor.Viewer{Actor: actor.Actor{ID: "operator-bayern", Role: actor.OperatorAdmin}, Operator: "bayern"}

// Cases of the scene, each with 4 published events, of which the first and the third are for the engine.
const (
	caseA = "00000000-0000-4000-8000-00000000000a"
	caseB = "00000000-0000-4000-8000-00000000000b"
)

type scene struct {
	*testing.T
	db     *sqlstore.DB
	around *around
	domain *reconcile.Reconcile
}

func at(minute int) time.Time { return time.Date(2026, 3, 2, 8, minute, 0, 0, time.UTC) }

func newScene(t *testing.T) *scene {
	t.Helper()
	db := sqlstoretest.Open(t)
	s := &scene{T: t, db: db, around: &around{runs: map[string]engine.Run{}, db: db}}
	for _, id := range []string{caseA, caseB} {
		sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: id})
		sqlstoretest.Exec(t, db, `update cases set case_seq = 4, engine_seq = 2 where id = $1`, id)
		sqlstoretest.Exec(t, db, `insert into consumer_positions (consumer, case_id, case_seq) values ('efa.starter', $1, 3)`, id)
		for seq := 1; seq <= 4; seq++ {
			engineSeq := 0
			if seq%2 == 1 {
				engineSeq = (seq + 1) / 2
			}
			sqlstoretest.Exec(t, db, `insert into events (case_id, case_seq, engine_seq, id, source, type, operator, tenant, actor, at, data, digest, traceparent)
				values ($1, $2, $3, $5, 's', 't', 'bayern', 'muenchen', '{}', $4, '{}', '', '')`, id, seq, engineSeq, at(seq), fmt.Sprintf("%s/%d", id, seq))
			sqlstoretest.Exec(t, db, `insert into outbox (case_id, case_seq, shard, published_at) values ($1, $2, 0, $3)`, id, seq, at(seq))
			s.around.records = append(s.around.records, event.Recorded{Case: id, CaseSeq: int64(seq), Time: at(seq)})
		}
		s.around.runs[id] = engine.Run{State: engine.Running, Applied: 2}
	}
	s.domain = reconcile.New(reconcile.Config{
		DB: db, Ledger: s.around, Access: onlyOperator{}, Operator: "bayern", Starter: "efa.starter", Pause: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	s.domain.Among(reconcile.Surroundings{Events: s.around, Outbox: s.around, Engine: s.around})
	return s
}

// lose takes records of a case out of the log.
func (s *scene) lose(caseID string, seqs ...int64) {
	s.around.records = slices.DeleteFunc(s.around.records, func(r event.Recorded) bool { return r.Case == caseID && slices.Contains(seqs, r.CaseSeq) })
}

// work lets the domain carry out runs until the test ends.
func (s *scene) work() {
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(s.Context())
	go func() { ended <- s.domain.Run(ctx) }()
	s.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Error(err)
		}
	})
}

// run starts a run and waits for its end.
func (s *scene) run(repair bool, why string) reconciliation.Run {
	s.Helper()
	run, err := s.domain.Start(s.Context(), operator, repair, why)
	if err != nil {
		s.Fatal(err)
	}
	for run.State == reconciliation.Running {
		if run, err = s.domain.Get(s.Context(), operator, run.ID, run.Revision, time.Minute); err != nil {
			s.Fatal(err)
		}
	}
	return run
}

func TestWhatAgreesIsConsistent(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.work()
	run := s.run(false, "")
	r := run.Report
	if run.State != reconciliation.Done || !r.Consistent || len(r.Findings) != 0 || run.Kind != reconciliation.Compare || run.EndedAt == nil || run.Actor != "operator-bayern" {
		t.Errorf("run %+v", run)
	}
	if r.Ledger != (reconciliation.Ledger{Cases: 2, OpenCases: 2, Events: 8}) || r.Log != (reconciliation.Log{Records: 8}) || r.Engine != (reconciliation.Engine{Running: 2}) {
		t.Errorf("report %+v", r)
	}
}

func TestEachDifferenceIsFoundAndRepairedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage   func(s *scene)
		kind     reconciliation.FindingKind
		detail   string
		replayed []reconcile.Selection
		did      []string
	}{
		"events lost in the middle": {
			func(s *scene) { s.lose(caseA, 2, 3) }, reconciliation.EventLost, "events 2–3", []reconcile.Selection{{Case: caseA, After: 1, UpTo: 3}}, nil,
		},
		"a whole case lost": {
			func(s *scene) { s.lose(caseB, 1, 2, 3, 4) }, reconciliation.EventLost, "events 1–4", []reconcile.Selection{{Case: caseB, UpTo: 4}}, nil,
		},
		"two holes": {
			func(s *scene) { s.lose(caseB, 1, 4) }, reconciliation.EventLost, "events 1–1, 4–4", []reconcile.Selection{{Case: caseB, UpTo: 1}, {Case: caseB, After: 3, UpTo: 4}}, nil,
		},
		"events that were passed": {
			func(s *scene) {
				s.around.gaps = []reconcile.Gap{{Consumer: "efa.delivery", Case: caseA, After: 2, Passed: true}}
			}, reconciliation.NotHandedOver, "efa.delivery lacks what follows event 2", []reconcile.Selection{{Case: caseA, After: 2}}, nil,
		},
		"a process that the engine lost": {
			func(s *scene) { delete(s.around.runs, caseA) }, reconciliation.ProcessAbsent, "the engine knows no process of this open case", nil,
			[]string{"resume " + caseA + " d"},
		},
		"a process that has ended": {
			func(s *scene) { s.around.runs[caseA] = engine.Run{State: engine.Ended} }, reconciliation.ProcessEnded, "the process has ended and the case is open", nil,
			[]string{"resume " + caseA + " d"},
		},
		"a process of an older engine": {
			func(s *scene) { s.around.runs[caseB] = engine.Run{State: engine.Running, Applied: 1} },
			reconciliation.ProcessBehind, "applied 1 of 2 events that were handed over", nil,
			[]string{"hand over " + caseB + " 2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.work()
			c.damage(s)
			found := s.run(false, "")
			if f := found.Report.Findings; found.Report.Consistent || len(f) != 1 || f[0].Kind != c.kind || f[0].Detail != c.detail || f[0].Repair == "" {
				t.Errorf("found %+v", found.Report)
			}
			if s.around.replayed != nil || s.around.did != nil {
				t.Fatalf("a comparison did %v, %v", s.around.replayed, s.around.did)
			}
			repaired := s.run(true, "a test of the repair")
			if !repaired.Report.Consistent || repaired.Kind != reconciliation.Repair || repaired.Reason != "a test of the repair" {
				t.Errorf("repaired %+v", repaired)
			}
			if !slices.Equal(s.around.replayed, c.replayed) || !slices.Equal(s.around.did, c.did) {
				t.Errorf("the repair did %v, %v", s.around.replayed, s.around.did)
			}
		})
	}
}

func TestWhatIsNoFaultIsCountedAndLeftAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.work()
	s.around.gaps = []reconcile.Gap{{Consumer: "efa.delivery", Case: caseA, After: 2}} // behind
	s.around.junk = 2
	s.around.records = append(s.around.records,
		event.Recorded{Case: caseA, CaseSeq: 9}, event.Recorded{Case: "00000000-0000-4000-8000-0000000000ff", CaseSeq: 1}, event.Recorded{Case: "a name of a person", CaseSeq: 1})
	s.around.runs[caseB] = engine.Run{State: engine.Running, Applied: -1} // no worker answers
	sqlstoretest.InsertDeadLetter(t, s.db, sqlstoretest.DeadLetter{ID: "l", Consumer: "efa.starter", Case: caseA, State: "dead"})
	s.around.runs[caseA] = engine.Run{State: engine.Absent} // and stopped by a letter
	r := s.run(true, "nothing is to be done").Report
	if !r.Consistent || r.Log != (reconciliation.Log{Records: 13, Foreign: 3, Undecodable: 2, Behind: 1}) || r.Engine != (reconciliation.Engine{Silent: 1}) || r.Ledger.Stopped != 1 {
		t.Errorf("report %+v", r)
	}
	if s.around.replayed != nil || s.around.did != nil {
		t.Errorf("the repair did %v, %v", s.around.replayed, s.around.did)
	}
	for _, f := range r.Findings {
		if f.Kind != reconciliation.ForeignRecord || f.Case == "a name of a person" {
			t.Errorf("finding %+v", f)
		}
	}
}

func TestEventsThatTheLogKeepsNoLongerAreAgedAndNotLost(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.work()
	s.lose(caseA, 1, 2, 4) // its 4th event is younger than the oldest record that is left
	s.lose(caseB, 1, 2)
	s.around.first = 4
	r := s.run(false, "").Report
	if r.Log.Aged != 4 || r.Log.Lost != 1 || len(r.Findings) != 1 || r.Findings[0].Detail != "events 4–4" {
		t.Errorf("report %+v", r)
	}
}

func TestARunThatFailsSaysSoAndHidesNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.work()
	s.around.fails = contracts.Errorf(contracts.Unavailable, "ask", "no connection")
	run := s.run(false, "")
	if run.State != reconciliation.Failed || run.Report.Error != "unavailable" || run.Report.Consistent {
		t.Errorf("run %+v", run)
	}
}

func TestOneRunAtATimeAndAnInterruptedOneStopsNobody(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.around.hold = make(chan struct{})
	s.work()
	first, err := s.domain.Start(t.Context(), operator, false, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.domain.Start(t.Context(), operator, false, ""); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("a second run: %v", err)
	}
	close(s.around.hold)
	for first.State == reconciliation.Running {
		if first, err = s.domain.Get(t.Context(), operator, first.ID, first.Revision, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	sqlstoretest.Exec(t, s.db, `update reconciliations set state = 'running', seen_at = $1`, time.Now().Add(-time.Hour).UTC()) // its process was killed
	if gone, err := s.domain.Get(t.Context(), operator, first.ID, 0, 0); err != nil || gone.State != reconciliation.Interrupted {
		t.Errorf("%+v, %v", gone, err)
	}
	if run := s.run(false, ""); run.State != reconciliation.Done {
		t.Errorf("the next run: %+v", run)
	}
}

func TestOnlyTheOperatorReconcilesAndARepairNeedsAReason(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	office := actor.Viewer{Actor: actor.Actor{ID: "x", Role: actor.System, Authority: "gewerbeamt-muenchen"}, Operator: "bayern"}
	if _, err := s.domain.Start(t.Context(), office, false, ""); contracts.KindOf(err) != contracts.Denied {
		t.Errorf("an office compares: %v", err)
	}
	if _, err := s.domain.Start(t.Context(), office, true, "because I want it"); contracts.KindOf(err) != contracts.Denied {
		t.Errorf("an office repairs: %v", err)
	}
	if _, _, err := s.domain.Replay(t.Context(), office, reconcile.Selection{}, "because I want it"); contracts.KindOf(err) != contracts.Denied || s.around.replayed != nil {
		t.Errorf("an office replays: %v", err)
	}
	if _, err := s.domain.Start(t.Context(), operator, true, ""); contracts.KindOf(err) != contracts.Invalid || contracts.ProblemsOf(err)[0].Pointer != "/reason" {
		t.Errorf("a repair without a reason: %v", err)
	}
	id, n, err := s.domain.Replay(t.Context(), operator, reconcile.Selection{Case: caseA}, "the topic was lost")
	if err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	run, err := s.domain.Get(t.Context(), operator, id, 0, 0)
	if err != nil || run.Kind != reconciliation.Replay || run.State != reconciliation.Done || run.Reason != "the topic was lost" || run.Actor != "operator-bayern" {
		t.Errorf("the replay left %+v, %v", run, err)
	}
	foreign := operator
	foreign.Operator = "hessen"
	if _, err := s.domain.Get(t.Context(), foreign, id, 0, 0); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("another operator sees it: %v", err)
	}
	if _, _, err := s.domain.Replay(t.Context(), operator, reconcile.Selection{Case: "00000000-0000-4000-8000-0000000000ff"}, "the topic was lost"); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("a case that does not exist: %v", err)
	}
}
