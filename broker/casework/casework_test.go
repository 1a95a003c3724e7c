package casework_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/casework"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/task"
)

const theCase = "c1"

// memory is the ledger as casework sees it: it numbers events, keeps them and runs the projector; an id that it holds is
// a repeat when the data are the same.
type memory struct {
	project func(context.Context, *sqlstore.Tx, event.Recorded) error
	db      *sqlstore.DB
	steps   []engine.Result
}

func (m *memory) AppendAhead(*sqlstore.Tx, event.Draft) {}

func (m *memory) Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error) {
	for _, d := range drafts {
		data, err := json.Marshal(d.Data)
		if err != nil {
			return nil, err
		}
		var held string
		if err := tx.QueryRowContext(ctx, `select data from events where id = $1`, d.ID).Scan(&held); err == nil {
			if held == string(data) {
				continue
			}
			return nil, contracts.Errorf(contracts.Conflict, "append", "another body")
		}
		_, err = tx.Exec(ctx, `insert into events (case_id, case_seq, engine_seq, id, source, type, operator, tenant, actor, at, data, digest, traceparent)
			select $1, coalesce(max(case_seq), 0) + 1, 0, $2, 's', $3, 'bayern', $4, '{}', $5, $6, '', '' from events where case_id = $1`,
			d.Case, d.ID, d.Type, d.Tenant, tx.Now(), string(data))
		if err != nil {
			return nil, err
		}
		r := event.Recorded{ID: d.ID, Type: d.Type, Case: d.Case, Operator: "bayern", Time: tx.Now(), Data: data}
		if err := m.project(ctx, tx, r); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (m *memory) Step(ctx context.Context, cmd engine.Command, fn func(*sqlstore.Tx) (engine.Result, error)) (engine.Result, error) {
	var out engine.Result
	err := m.db.Write(ctx, func(tx *sqlstore.Tx) error {
		r, err := fn(tx)
		r.Step, r.Pass = cmd.Step, cmd.Pass
		out = r
		return err
	})
	m.steps = append(m.steps, out)
	return out, err
}

func (m *memory) Results(context.Context, sqlstore.Querier, string) ([]engine.Result, error) {
	return m.steps, nil
}

type book struct{}

func (book) Deadline(_ context.Context, definition, id string) (law.DeadlineRecord, error) {
	if definition != "d" {
		return law.DeadlineRecord{}, contracts.Errorf(contracts.NotFound, "deadline", "no definition")
	}
	return law.DeadlineRecord{ID: id, LegalBasis: "GewO § 15(1)", Days: 3, SilenceEffect: law.None}, nil
}

func (book) OutcomeFacts(context.Context, string) (map[string]fact.Declaration, error) {
	return map[string]fact.Declaration{"indications_of_violation": {Type: "boolean"}}, nil
}

// Route lets everybody know but the authority that the policy refuses.
func (book) Route(_ context.Context, cmd engine.Assign) (func(context.Context, *sqlstore.Tx) error, error) {
	if cmd.Authority == "bauamt-muenchen" {
		return nil, contracts.Errorf(contracts.Denied, "route", "refused")
	}
	return func(context.Context, *sqlstore.Tx) error { return nil }, nil
}

func (book) Describe(_ context.Context, id content.ID) (content.Object, error) {
	if id != "certificate" {
		return content.Object{}, contracts.Errorf(contracts.NotFound, "describe", "no content")
	}
	return content.Object{Ref: content.Ref{Content: id, Kind: content.Certificate, Digest: "d1"}, Case: theCase, Uploader: "gewerbeamt-muenchen"}, nil
}

// rules allow what the access policy allows, as far as these tests need it.
type rules struct{}

func (rules) Allow(_ context.Context, in decision.AccessInput) (bool, error) {
	if in.Action == decision.TaskAnswer {
		return in.Relation == decision.Holder, nil
	}
	return in.Relation != decision.Other && in.Relation != decision.Foreign, nil
}

type bench struct {
	db   *sqlstore.DB
	work *casework.Casework
}

func setup(t *testing.T) bench {
	t.Helper()
	db := sqlstoretest.Open(t)
	m := &memory{db: db}
	w := casework.New(casework.Config{DB: db, Ledger: m, Catalogue: book{}, Routing: book{}, Contents: book{}, Access: rules{}, Operator: "bayern"})
	m.project = w.Project
	sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: theCase})
	b := bench{db, w}
	b.append(t, m, event.Draft{ID: "s1", Type: event.TypeCaseSubmitted, Case: theCase, Tenant: "muenchen", Data: event.CaseSubmitted{
		Lead: "gewerbeamt-muenchen", Definition: "d", Contents: []content.Ref{{Content: "notice", Kind: content.Application, Form: "gewa1"}},
	}})
	return b
}

func (b bench) append(t *testing.T, m *memory, d event.Draft) {
	t.Helper()
	if err := b.db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := m.Append(t.Context(), tx, d)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func command(step string) engine.Command {
	return engine.Command{StepKey: engine.StepKey{Case: theCase, Step: step, Pass: 1}, AfterSeq: 1}
}

func (b bench) assign(t *testing.T, step string, holder authority.ID, role authority.Role, opens key.ServiceKey) string {
	t.Helper()
	r, err := b.work.Assign(t.Context(), engine.Assign{
		Command: command(step), Role: role, Authority: holder, Law: "gewo-15-1", Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		Outcomes: []string{"registered"}, OutcomeFacts: []string{"indications_of_violation"}, Opens: opens, Purpose: "notice.register", Basis: "eu-gdpr:A6-1-c",
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Task
}

func system(a authority.ID) actor.Viewer {
	return actor.Viewer{Actor: actor.Actor{ID: string(a), Role: actor.System, Authority: a}, Operator: "bayern"}
}

func TestATaskIsAnsweredOnceByItsHolder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.assign(t, "register", "gewerbeamt-muenchen", authority.Lead, "")
	holder, ctx := system("gewerbeamt-muenchen"), t.Context()
	answer := casework.Answer{Outcome: "registered", Facts: fact.Values{"indications_of_violation": false}, Contents: []content.Ref{{Content: "certificate"}}}
	if _, err := b.work.Complete(ctx, system("finanzamt-muenchen"), id, answer); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("another authority answered: %v", err)
	}
	for name, wrong := range map[string]casework.Answer{
		"outcome":         {Outcome: "refused"},
		"unknown fact":    {Outcome: "registered", Facts: fact.Values{"full_move": true}},
		"fact's value":    {Outcome: "registered", Facts: fact.Values{"indications_of_violation": "yes"}},
		"foreign content": {Outcome: "registered", Contents: []content.Ref{{Content: "other"}}},
	} {
		if _, err := b.work.Complete(ctx, holder, id, wrong); contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	done, err := b.work.Complete(ctx, holder, id, answer)
	if err != nil || done.State != task.Completed || done.Outcome != "registered" || done.CompletedAt == nil {
		t.Fatalf("%+v %v", done, err)
	}
	if again, err := b.work.Complete(ctx, holder, id, answer); err != nil || again.State != task.Completed {
		t.Errorf("the same answer again: %+v %v", again, err)
	}
	if _, err := b.work.Return(ctx, holder, event.Reception{}, id); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("another answer: %v", err)
	}
}

func TestTheEventOfAnAnswerCarriesTheVaultsReference(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.assign(t, "register", "gewerbeamt-muenchen", authority.Lead, "")
	forged := []content.Ref{{Content: "certificate", Kind: content.Application, Form: "gewa1", Digest: "forged"}}
	if _, err := b.work.Complete(t.Context(), system("gewerbeamt-muenchen"), id, casework.Answer{Outcome: "registered", Contents: forged}); err != nil {
		t.Fatal(err)
	}
	var data string
	if err := b.db.Read().QueryRowContext(t.Context(), `select data from events where type = $1`, event.TypeTaskCompleted).Scan(&data); err != nil {
		t.Fatal(err)
	}
	d, err := event.Decode[event.TaskCompleted](event.Recorded{Data: json.RawMessage(data)})
	if err != nil || len(d.Contents) != 1 || d.Contents[0] != (content.Ref{Content: "certificate", Kind: content.Certificate, Digest: "d1"}) {
		t.Errorf("%+v %v", d.Contents, err)
	}
}

func TestATaskThatASubmissionCompletesTakesNoOutcome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.assign(t, "forward", "gewerbeamt-nuernberg", authority.Previous, "99050012070000")
	v := system("gewerbeamt-nuernberg")
	if _, err := b.work.Complete(t.Context(), v, id, casework.Answer{Outcome: "registered"}); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("completed by an outcome: %v", err)
	}
	draft, opens, err := b.work.Completable(t.Context(), v, theCase, id)
	if err != nil || opens != "99050012070000" || draft.Case != theCase || draft.Tenant != "muenchen" {
		t.Errorf("%+v %s %v", draft, opens, err)
	}
	if _, _, err := b.work.Completable(t.Context(), system("gewerbeamt-muenchen"), theCase, id); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("somebody else's task: %v", err)
	}
}

func TestTheDeadlineIsTheLawsAndSilenceMeansNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.assign(t, "register", "gewerbeamt-muenchen", authority.Lead, "")
	got, err := b.work.Task(t.Context(), system("gewerbeamt-muenchen"), id)
	if err != nil || got.Deadline.Due == nil {
		t.Fatalf("%+v %v", got, err)
	}
	want := time.Date(2026, 3, 5, 22, 59, 59, 999_999_000, time.UTC) // the end of the third day in Berlin
	if !got.Deadline.Due.Equal(want) || got.Deadline.SilenceEffect != law.None || got.Overdue(want) || !got.Overdue(want.Add(time.Second)) {
		t.Errorf("deadline %+v", got.Deadline)
	}
}

func TestAnAuthorityThatMustNotLearnOfACaseGetsNoTask(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.work.Assign(t.Context(), engine.Assign{Command: command("register"), Authority: "bauamt-muenchen", Law: "gewo-15-1"})
	if contracts.KindOf(err) != contracts.Denied {
		t.Errorf("got %v", err)
	}
	var n int
	if err := b.db.Read().QueryRowContext(t.Context(), `select count(*) from tasks`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d tasks, %v", n, err)
	}
}

func TestWhoeverIsNotCompetentNoLongerTakesPart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parts := func() (n int) {
		err := b.db.Read().QueryRowContext(t.Context(), `select count(*) from case_participation where authority = 'gewerbeamt-nuernberg' and ends is null`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	one := b.assign(t, "one", "gewerbeamt-nuernberg", authority.Previous, "")
	two := b.assign(t, "two", "gewerbeamt-nuernberg", authority.Previous, "")
	v := system("gewerbeamt-nuernberg")
	if _, err := b.work.Return(t.Context(), v, event.Reception{}, one); err != nil || parts() != 1 {
		t.Errorf("with another task of the same role: %v, %d parts", err, parts())
	}
	if _, err := b.work.Return(t.Context(), v, event.Reception{}, two); err != nil || parts() != 0 {
		t.Errorf("without: %v, %d parts", err, parts())
	}
	if _, err := b.work.Case(t.Context(), v, theCase); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("the case afterwards: %v", err)
	}
	if b.assign(t, "three", "gewerbeamt-nuernberg", authority.Previous, ""); parts() != 1 {
		t.Errorf("a new task gives %d parts", parts())
	}
}

func TestACaseMovesOnlyAlongItsMachine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	move := func(step string, m engine.Move) error {
		m.Command = command(step)
		_, err := b.work.Move(t.Context(), m)
		return err
	}
	if err := move("ack", engine.Move{State: procedure.Acknowledged}); err != nil {
		t.Fatal(err)
	}
	if err := move("again", engine.Move{State: procedure.Acknowledged}); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("acknowledged twice: %v", err)
	}
	if err := move("register/attention", engine.Move{Attention: "not_competent"}); err != nil {
		t.Fatal(err)
	}
	var data string
	if err := b.db.Read().QueryRowContext(t.Context(), `select data from events where type = $1`, event.TypeCaseEscalated).Scan(&data); err != nil {
		t.Fatal(err)
	}
	var escalated event.CaseEscalated
	if err := json.Unmarshal([]byte(data), &escalated); err != nil || escalated.Step != "register" { // the path of a result is the engine's own; the schema of the event knows steps
		t.Errorf("escalated at step %q, %v", escalated.Step, err)
	}
	v := system("gewerbeamt-muenchen")
	if c, err := b.work.Case(t.Context(), v, theCase); err != nil || c.Attention != "not_competent" || c.Status != procedure.Processing {
		t.Errorf("%+v %v", c, err)
	}
	if err := move("end", engine.Move{State: procedure.Closed}); err != nil {
		t.Fatal(err)
	}
	if c, err := b.work.Case(t.Context(), v, theCase); err != nil || c.Status != procedure.Completed || c.ClosedAt == nil || c.Attention != "" {
		t.Errorf("%+v %v", c, err)
	}
}

func TestACaseIsCompletedOnlyWhenEveryAnnouncementHasItsDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sqlstoretest.Exec(t, b.db, `update cases set state = 'closed', announcements = 1`)
	v := system("gewerbeamt-muenchen")
	if c, err := b.work.Case(t.Context(), v, theCase); err != nil || c.Status != procedure.Processing {
		t.Errorf("before: %+v %v", c, err)
	}
	sqlstoretest.Exec(t, b.db, `insert into deliveries (id, operator, authority, inbox_epoch, inbox_seq, case_id, case_seq, event_id, kind, role, service,
		task_id, purpose, basis, item, state, reason, announced_at, sequence) values ('d', 'bayern', 'a', 1, 1, 'c1', 5, 'e', 'announcement', 'r', 's', '', '', '', '{}', 'announced', '', '2026-01-01', 1)`)
	if c, err := b.work.Case(t.Context(), v, theCase); err != nil || c.Status != procedure.Completed {
		t.Errorf("after: %+v %v", c, err)
	}
}

func TestListsArePagedAndHoldersSeeOfEachOtherRoleStateAndDueDateOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.assign(t, "one", "gewerbeamt-muenchen", authority.Lead, "")
	b.assign(t, "two", "gewerbeamt-nuernberg", authority.Previous, "")
	b.assign(t, "three", "gewerbeamt-muenchen", authority.Lead, "")
	count := func(v actor.Viewer) (n int) {
		after := ""
		for {
			page, next, err := b.work.Tasks(t.Context(), v, casework.TaskFilter{State: task.Assigned}, after, 1)
			if err != nil {
				t.Fatal(err)
			}
			n += len(page)
			if next == "" {
				return n
			}
			after = next
		}
	}
	for id, want := range map[authority.ID]int{"gewerbeamt-muenchen": 3, "gewerbeamt-nuernberg": 3, "finanzamt-muenchen": 0} {
		if n := count(system(id)); n != want {
			t.Errorf("%s sees %d tasks, want %d", id, n, want)
		}
	}
	page, _, err := b.work.Tasks(t.Context(), system("gewerbeamt-nuernberg"), casework.TaskFilter{}, "", 10)
	if err != nil || len(page) != 3 {
		t.Fatalf("%d tasks, %v", len(page), err)
	}
	for _, k := range page { // holders see of each other role, state and due date only
		own := k.Role == authority.Previous
		if own == (k.Authority == "") || own == (len(k.Outcomes) == 0) || k.State != task.Assigned || k.Deadline.Due == nil {
			t.Errorf("a holder sees %+v", k)
		}
	}
	if _, _, err := b.work.Cases(t.Context(), system("gewerbeamt-muenchen"), "rubbish", 1); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("rubbish cursor: %v", err)
	}
	if page, next, err := b.work.Cases(t.Context(), system("gewerbeamt-nuernberg"), "", 1); err != nil || len(page) != 1 || next != "" {
		t.Errorf("a participant's list: %+v %q %v", page, next, err)
	}
}

func TestTheProcessReadsItsCase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.assign(t, "register", "gewerbeamt-muenchen", authority.Lead, "")
	c, err := b.work.Load(t.Context(), theCase)
	if err != nil || !c.Open || c.Definition != "d" || len(c.Steps) != 1 || c.Steps[0].Task == "" {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := b.work.Load(t.Context(), "nowhere"); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("no case: %v", err)
	}
}
