package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/delivery"
	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	items "github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// memory is the ledger as delivery sees it: it keeps what a case has, and runs delivery's projector on what is appended.
type memory struct {
	events  map[string][]event.Recorded
	project func(context.Context, *sqlstore.Tx, event.Recorded) error
}

func (m *memory) AppendAhead(*sqlstore.Tx, event.Draft) {}

func (m *memory) Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error) {
	for _, d := range drafts {
		data, err := json.Marshal(d.Data)
		if err != nil {
			return nil, err
		}
		if err := m.project(ctx, tx, event.Recorded{ID: d.ID, Type: d.Type, Case: d.Case, Data: data}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (m *memory) CaseEventsAhead(*sqlstore.Tx, string, int64, int) {}

func (m *memory) CaseEvents(_ context.Context, _ sqlstore.Querier, caseID string, after int64, limit int) ([]event.Recorded, error) {
	var out []event.Recorded
	for _, e := range m.events[caseID] {
		if e.CaseSeq > after && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

type everything struct{}

func (everything) Allow(context.Context, decision.AccessInput) (bool, error) { return true, nil }

type bench struct {
	db       *sqlstore.DB
	delivery *delivery.Delivery
	ledger   *memory
	lease    lease.Lease
}

func setup(t *testing.T, cases ...string) bench {
	t.Helper()
	db := sqlstoretest.Open(t)
	m := &memory{events: map[string][]event.Recorded{}}
	d := delivery.New(delivery.Config{DB: db, Ledger: m, Access: everything{}, Operator: "bayern", Log: slog.New(slog.DiscardHandler)})
	m.project = d.Project
	for _, id := range cases {
		sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: id})
	}
	l, err := lease.Keeper{DB: db, Holder: "me"}.Acquire(t.Context(), "delivery")
	if err != nil {
		t.Fatal(err)
	}
	return bench{db, d, m, l}
}

// announced makes the n-th event of a case, an announcement to a, and keeps it in the ledger.
func (b bench) announced(caseID string, n int64, a authority.ID) event.Recorded {
	data, err := json.Marshal(event.ContentAnnounced{
		Step: "inform", Role: "tax_office", Authority: a, Purpose: "notice.inform", Basis: "eu-gdpr:A6-1-c",
		Contents: []content.Ref{{Content: content.ID("content-" + caseID), Kind: content.Application, Form: "gewa1"}},
	})
	if err != nil {
		panic(err)
	}
	e := event.Recorded{ID: fmt.Sprintf("%s/inform/1/%d", caseID, n), Type: event.TypeContentAnnounced, Case: caseID, CaseSeq: n, Data: data}
	b.ledger.events[caseID] = append(b.ledger.events[caseID], e)
	return e
}

func system(a authority.ID) actor.Viewer {
	return actor.Viewer{Actor: actor.Actor{ID: string(a), Role: actor.System, Authority: a}, Operator: "bayern"}
}

func (b bench) inbox(t *testing.T, a authority.ID, after string) []items.Item {
	t.Helper()
	got, _, err := b.delivery.Inbox(t.Context(), system(a), after, 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (b bench) handle(t *testing.T, events ...event.Recorded) {
	t.Helper()
	if err := b.delivery.Handle(t.Context(), b.lease, events); err != nil {
		t.Fatal(err)
	}
}

func TestAnInboxHasNoGapsAndNoRepeats(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1", "c2")
	e1, f1 := b.announced("c1", 1, "finanzamt-a"), b.announced("c2", 1, "finanzamt-a")
	b.handle(t, e1, f1)
	e2 := b.announced("c1", 2, "finanzamt-b")
	b.handle(t, e1, e2)
	e3 := b.announced("c1", 3, "finanzamt-a")
	b.handle(t, e2, e3, f1)
	got := b.inbox(t, "finanzamt-a", "")
	if len(got) != 3 {
		t.Fatalf("%d items", len(got))
	}
	for i, it := range got {
		if it.Cursor != fmt.Sprintf("1.%d", i+1) {
			t.Errorf("item %d has cursor %s", i, it.Cursor)
		}
	}
	if rest := b.inbox(t, "finanzamt-a", got[1].Cursor); len(rest) != 1 || rest[0].ID != got[2].ID {
		t.Errorf("behind the second item: %+v", rest)
	}
	if got[0].Sequence != 1 || got[1].Sequence != 1 || got[2].Sequence != 2 {
		t.Errorf("sequences per case: %d, %d, %d", got[0].Sequence, got[1].Sequence, got[2].Sequence)
	}
	if other := b.inbox(t, "finanzamt-b", ""); len(other) != 1 || other[0].Cursor != "1.1" {
		t.Errorf("the other inbox: %+v", other)
	}
}

// A batch may name two offices in turn, and bring what an inbox has already.
func TestABatchFillsEachInboxBehindWhatStandsInIt(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1", "c2")
	b.handle(t, b.announced("c1", 1, "finanzamt-a"))
	sqlstoretest.Exec(t, b.db, `delete from consumer_positions where case_id = 'c1'`)
	b.announced("c1", 2, "finanzamt-b")
	b.announced("c1", 3, "finanzamt-a")
	b.announced("c2", 1, "finanzamt-b")
	b.handle(t, b.ledger.events["c1"][2], b.announced("c2", 2, "finanzamt-a"))
	for office, want := range map[authority.ID][]string{
		"finanzamt-a": {"1.1 c1/inform/1/1 1", "1.2 c1/inform/1/3 2", "1.3 c2/inform/1/2 1"},
		"finanzamt-b": {"1.1 c1/inform/1/2 1", "1.2 c2/inform/1/1 1"},
	} {
		var got []string
		for _, it := range b.inbox(t, office, "") {
			got = append(got, fmt.Sprintf("%s %s %d", it.Cursor, it.Event, it.Sequence))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", office, got, want)
		}
	}
}

func TestAConsumerThatLostItsLeaseCannotWrite(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1")
	sqlstoretest.Exec(t, b.db, `update leases set epoch = epoch + 1`)
	err := b.delivery.Handle(t.Context(), b.lease, []event.Recorded{b.announced("c1", 1, "finanzamt-a")})
	if contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("got %v", err)
	}
	if got := b.inbox(t, "finanzamt-a", ""); len(got) != 0 {
		t.Errorf("%d items were written", len(got))
	}
}

func TestAGapIsFilledFromTheLedger(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1")
	b.announced("c1", 1, "finanzamt-a")
	b.announced("c1", 2, "finanzamt-a")
	b.handle(t, b.announced("c1", 3, "finanzamt-a"))
	if got := b.inbox(t, "finanzamt-a", ""); len(got) != 3 || got[0].Event != "c1/inform/1/1" {
		t.Errorf("%d items", len(got))
	}
}

func TestTheEventLogIsAHintAndTheLedgerTheRecord(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1")
	real := b.announced("c1", 1, "finanzamt-a")
	forged := real
	forged.ID, forged.CaseSeq = "forged", 999
	forged.Data = []byte(strings.ReplaceAll(string(real.Data), "finanzamt-a", "bauamt-muenchen"))
	nowhere := event.Recorded{ID: "x", Type: event.TypeContentAnnounced, Case: "no-such-case", CaseSeq: 1, Data: real.Data}
	b.handle(t, forged, nowhere)
	if got := b.inbox(t, "bauamt-muenchen", ""); len(got) != 0 {
		t.Errorf("a forged record was delivered: %+v", got)
	}
	b.handle(t, b.announced("c1", 2, "finanzamt-a"))
	if got := b.inbox(t, "finanzamt-a", ""); len(got) != 2 || got[0].Event != real.ID {
		t.Errorf("after the forged record %d real items", len(got))
	}
}

func TestOnlyTheItemsOfThePurposeAreFetched(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1")
	b.handle(t, b.announced("c1", 1, "finanzamt-a"))
	if err := b.db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		return b.delivery.Fetched(t.Context(), tx, "c1", "finanzamt-a", "content-c1", "statistics")
	}); err != nil {
		t.Fatal(err)
	}
	if got := b.inbox(t, "finanzamt-a", ""); got[0].State != items.Announced {
		t.Errorf("fetched for another purpose: %s", got[0].State)
	}
}

func TestALongPollEndsWhenSomethingArrives(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1")
	got := make(chan []items.Item)
	go func() {
		found, _, err := b.delivery.Inbox(t.Context(), system("finanzamt-a"), "", 10, time.Minute)
		if err != nil {
			t.Error(err)
		}
		got <- found
	}()
	b.handle(t, b.announced("c1", 1, "finanzamt-a"))
	if found := <-got; len(found) != 1 {
		t.Errorf("%d items", len(found))
	}
}

func TestAnItemGoesItsWayAndNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1")
	b.handle(t, b.announced("c1", 1, "finanzamt-a"), b.announced("c1", 2, "finanzamt-a"))
	v := system("finanzamt-a")
	all := b.inbox(t, "finanzamt-a", "")
	first, second := all[0], all[1]
	if _, err := b.delivery.Accept(t.Context(), v, event.Reception{}, first.ID); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("accepted before it was fetched: %v", err)
	}
	if err := b.db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		return b.delivery.Fetched(t.Context(), tx, "c1", "finanzamt-a", first.Contents[0].Content, "notice.inform")
	}); err != nil {
		t.Fatal(err)
	}
	if it, err := b.delivery.Accept(t.Context(), v, event.Reception{}, first.ID); err != nil || it.State != items.Accepted {
		t.Errorf("%+v %v", it, err)
	}
	if _, err := b.delivery.Reject(t.Context(), v, event.Reception{}, first.ID, items.Undecodable); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("rejected after it was accepted: %v", err)
	}
	if it, err := b.delivery.Reject(t.Context(), v, event.Reception{}, second.ID, items.SchemaViolation); err != nil || it.State != items.Rejected {
		t.Errorf("%+v %v", it, err)
	}
	if _, err := b.delivery.Accept(t.Context(), system("finanzamt-b"), event.Reception{}, second.ID); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("another authority's delivery: %v", err)
	}
}

func TestACursorOfAnEarlierEpochGetsEverythingThatIsNotDone(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1", "c2")
	b.handle(t, b.announced("c1", 1, "finanzamt-a"), b.announced("c2", 1, "finanzamt-a"))
	v := system("finanzamt-a")
	before := b.inbox(t, "finanzamt-a", "")
	if _, err := b.delivery.Reject(t.Context(), v, event.Reception{}, before[0].ID, items.Undecodable); err != nil {
		t.Fatal(err)
	}
	sqlstoretest.Exec(t, b.db, `update inbox_counters set epoch = 2`)
	got := b.inbox(t, "finanzamt-a", before[1].Cursor)
	if len(got) != 1 || got[0].ID != before[1].ID || got[0].Cursor != "2.2" {
		t.Errorf("after the restore: %+v", got)
	}
	if again := b.inbox(t, "finanzamt-a", got[0].Cursor); len(again) != 0 {
		t.Errorf("read twice: %+v", again)
	}
	sqlstoretest.Exec(t, b.db, `update deliveries set state = 'accepted'`)
	_, next, err := b.delivery.Inbox(t.Context(), v, before[1].Cursor, 100, 0)
	if err != nil || next != "2.2" {
		t.Errorf("with nothing left to do the next cursor is %s, %v", next, err)
	}
}

func TestAReaderWithoutACursorSeesWhatItHasAcceptedToo(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1")
	b.handle(t, b.announced("c1", 1, "finanzamt-a"), b.announced("c1", 2, "finanzamt-a"))
	sqlstoretest.Exec(t, b.db, `update deliveries set state = 'accepted', kind = 'task', task_id = 'c1.register.1' where inbox_seq = 2`)
	if got := b.inbox(t, "finanzamt-a", ""); len(got) != 2 {
		t.Errorf("%d items, want both: a back office that lost its journal starts from the beginning", len(got))
	}
	sqlstoretest.Exec(t, b.db, `update inbox_counters set epoch = 2`)
	if got := b.inbox(t, "finanzamt-a", "1.2"); len(got) != 1 {
		t.Errorf("%d items, want only the one that is not answered", len(got))
	}
	sqlstoretest.Exec(t, b.db, `insert into tasks (id, operator, case_id, step, pass, role, authority, service, opens, state, outcomes, allowed_facts, outcome,
		outcome_facts, law, legal_basis, silence_effect, purpose, basis, assigned_at)
		values ('c1.register.1', 'bayern', 'c1', 'register', 1, 'lead', 'finanzamt-a', '', '', 'assigned', '[]', '[]', '', '{}', '', '', '', '', '', '2026-01-01')`)
	if got := b.inbox(t, "finanzamt-a", "1.2"); len(got) != 2 {
		t.Errorf("%d items, want the accepted one as well, whose task is still open", len(got))
	}
}

func TestRubbishCursorsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, cursor := range []string{"1.1", "9.9", "x", "1", "1.", ".1", "-1.1", "1.1.1", "1.99999999999999999999"} {
		if _, _, err := b.delivery.Inbox(t.Context(), system("finanzamt-a"), cursor, 1, 0); contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}
