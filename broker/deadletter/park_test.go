package deadletter_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/deadletter"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	letter "github.com/efa-broker/efa-broker/contracts/deadletter"
	"github.com/efa-broker/efa-broker/contracts/event"
)

var (
	errNoEvent = contracts.Errorf(contracts.Invalid, "decode event", "ce_id is missing")
	errVersion = contracts.Errorf(contracts.Unsupported, "decode event", "version of CloudEvents is not 1.0")
)

func TestOfAForeignRecordNoByteIsKept(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	r := deadletter.Record{
		Topic: event.Topic, Partition: 3, Offset: 17, Value: []byte("CANARY-VALUE"),
		Headers: map[string]string{
			"ce_specversion": "9.1", "content-type": "text/plain", "ce_id": "CANARY-ID", "ce_type": "CANARY-TYPE", "ce_source": "CANARY-SOURCE",
			"ce_subject": "CANARY-SUBJECT", "x": "CANARY-X",
		},
	}
	for range 2 { // each consumer meets it
		if err := s.dead.Park(t.Context(), r, errVersion); err != nil {
			t.Fatal(err)
		}
	}
	r.Offset, r.Headers["ce_specversion"], r.Headers["content-type"] = 18, "CANARY-VERSION", "CANARY/MEDIA"
	if err := s.dead.Park(t.Context(), r, errNoEvent); err != nil {
		t.Fatal(err)
	}
	refused := s.letters(letter.Refused)
	if len(refused) != 2 {
		t.Fatalf("letters %+v", refused)
	}
	first, second := refused[0], refused[1]
	if first.Reason != letter.UnknownVersion || *first.Partition != 3 || *first.Offset != 17 || first.Size != 12 || first.SpecVersion != "9.1" ||
		first.MediaType != "text/plain" || first.Times != 2 || first.Case != "" {
		t.Errorf("first %+v", first)
	}
	if second.Reason != letter.Undecodable || second.SpecVersion != "" || second.MediaType != "" || second.Times != 1 {
		t.Errorf("second %+v", second)
	}
	raw := sqlstoretest.Stored(t, s.place)
	if !bytes.Contains(raw, []byte(first.Digest)) {
		t.Fatal("the letter is not in the database")
	}
	if bytes.Contains(raw, []byte("CANARY")) {
		t.Error("bytes of a foreign record stand in the database")
	}
}

// recorded writes an event of the ledger into the database.
func (s *scene) recorded(caseID string, seq int) {
	s.Helper()
	sqlstoretest.InsertCase(s.T, s.db, sqlstoretest.Case{ID: caseID})
	sqlstoretest.Exec(s.T, s.db, `insert into events (case_id, case_seq, engine_seq, id, source, type, operator, tenant, actor, at, data, digest, traceparent)
		values ($1, $2, 0, $3, 'urn:efa:operator:bayern', 'de.efa.task.assigned.v2', 'bayern', 'muenchen', '{}', $4, '{}', '', '')`,
		caseID, seq, fmt.Sprintf("%s/%d", caseID, seq), time.Now().UTC())
}

func ownRecord(id string) deadletter.Record {
	return deadletter.Record{
		Topic: event.Topic, Partition: 1, Offset: 5, Value: []byte("a newer form"),
		Headers: map[string]string{"ce_specversion": "2.0", "ce_source": "urn:efa:operator:bayern", "ce_id": id},
	}
}

func TestAnEventOfTheLedgerInAnUnknownVersionIsParkedAndStopsItsCase(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.recorded("c1", 2)
	if err := s.dead.Park(t.Context(), ownRecord("c1/2"), errVersion); err != nil {
		t.Fatal(err)
	}
	parked := s.letters(letter.Parked)
	if len(parked) != 1 || parked[0].Case != "c1" || parked[0].CaseSeq != 2 || parked[0].Event != "c1/2" || parked[0].Consumer != "" || parked[0].Reason != letter.UnknownVersion {
		t.Fatalf("letters %+v", parked)
	}
	for _, name := range []string{"efa.starter", "efa.delivery"} {
		c := &consumer{}
		if err := s.dead.Guard(name, c.handle)(t.Context(), s.batch("c1/3", "c2/1")); err != nil || len(c.handled) != 1 {
			t.Errorf("%s handled %q, %v", name, c.handled, err)
		}
	}
}

func TestAForeignCopyOfAHandledEventStopsNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.recorded("c1", 2)
	sqlstoretest.Exec(t, s.db, `insert into consumer_positions (consumer, case_id, case_seq) values ('efa.delivery', 'c1', 2)`)
	for name, reason := range map[string]error{"c1/2": errVersion, "c1/1": errNoEvent} {
		if err := s.dead.Park(t.Context(), ownRecord(name), reason); err != nil {
			t.Fatal(err)
		}
	}
	if stops := append(s.letters(letter.Parked), s.letters(letter.Dead)...); len(stops) != 0 {
		t.Errorf("letters %+v", stops)
	}
}

func TestOnlyTheOperatorSeesLettersAndSendsThemAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	if err := s.dead.Guard("efa.delivery", (&consumer{poison: map[string]func() error{"c1/1": breaks}}).handle)(t.Context(), s.batch("c1/1")); err != nil {
		t.Fatal(err)
	}
	id := s.letters(letter.Dead)[0].ID
	foreign := operator
	foreign.Operator = "hessen"
	office := actor.Viewer{Actor: actor.Actor{ID: "gewerbeamt-muenchen", Role: actor.System, Authority: "gewerbeamt-muenchen"}, Operator: "bayern"}
	if _, _, err := s.dead.List(t.Context(), office, "", "", 10); contracts.KindOf(err) != contracts.Denied {
		t.Errorf("an office lists: %v", err)
	}
	if all, _, err := s.dead.List(t.Context(), foreign, "", "", 10); err != nil || len(all) != 0 {
		t.Errorf("another operator lists %+v, %v", all, err)
	}
	for name, v := range map[string]actor.Viewer{"an office": office, "another operator": foreign} {
		if _, err := s.dead.Letter(t.Context(), v, id); contracts.KindOf(err) != contracts.NotFound {
			t.Errorf("%s reads: %v", name, err)
		}
		if _, err := s.dead.Resend(t.Context(), v, id, "for no reason"); contracts.KindOf(err) != contracts.NotFound || len(s.ledger.replayed) != 0 {
			t.Errorf("%s sends again: %v", name, err)
		}
	}
}

func TestAListOfLettersHasPages(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	poison := map[string]func() error{"c1/1": breaks, "c2/1": breaks, "c3/1": breaks}
	if err := s.dead.Guard("efa.delivery", (&consumer{poison: poison}).handle)(t.Context(), s.batch("c1/1", "c2/1", "c3/1")); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	after := ""
	for {
		page, next, err := s.dead.List(t.Context(), operator, letter.Dead, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page {
			seen[l.Case] = true
		}
		if next == "" {
			break
		}
		after = next
	}
	if len(seen) != 3 {
		t.Errorf("cases %v", seen)
	}
	if _, _, err := s.dead.List(t.Context(), operator, "", "x", 2); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("a wrong cursor: %v", err)
	}
}
