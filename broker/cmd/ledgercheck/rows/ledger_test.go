package rows_test

import (
	"cmp"
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/rows"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/ledger"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// TestTheCheckerReadsWhatTheBrokerWrites lets the broker's own ledger write a case; the checker's own reading verifies it,
// and finds an alteration.
func TestTheCheckerReadsWhatTheBrokerWrites(t *testing.T) {
	t.Parallel()
	place := sqlstore.Config{Path: filepath.Join(t.TempDir(), "a ledger?.db")}
	if sqlstoretest.Postgres() {
		place = sqlstoretest.Place(t)
	}
	path := cmp.Or(place.URL, place.Path)
	db := sqlstoretest.OpenConfig(t, place)
	l := ledger.New(ledger.Config{DB: db, Operator: "bayern", Key: ledger.NewKey(make([]byte, 32))})
	if err := l.RememberKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	who := actor.Actor{ID: "portal-bayern", Role: actor.Portal}
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := l.Append(t.Context(), tx,
			event.Draft{
				ID: "c/submitted", Source: "urn:efa", Type: event.TypeCaseSubmitted, Case: "c", Tenant: "muenchen", Actor: who,
				Data: event.CaseSubmitted{Service: "99050012104000", Procedure: procedure.Notification, Lead: "gewerbeamt-muenchen"},
			},
			event.Draft{
				ID: "c/a/1/1", Source: "urn:efa", Type: event.TypeContentAnnounced, Case: "c", Tenant: "muenchen", Actor: actor.Actor{ID: "engine", Role: actor.Engine},
				Data: event.ContentAnnounced{Step: "a", Pass: 1, Role: "chamber", Authority: "ihk-muenchen", Purpose: "p", Decision: "d"},
			})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func() *rows.Ledger {
		t.Helper()
		opened, err := rows.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		got, err := opened.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := read()
	events := got.Events["c"]
	if len(events) != 2 || events[0].EngineSeq != 1 || events[1].About.Authority != "ihk-muenchen" || events[1].About.Decision != "d" {
		t.Fatalf("read %+v", events)
	}
	if why := got.Chain("c"); why != "" {
		t.Error(why)
	}
	if published, row := got.Outbox[rows.Seq{Case: "c", N: 2}]; published || !row {
		t.Error("the outbox row of the second event is not there, or published")
	}
	if err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(t.Context(), `update events set tenant = 'nuernberg' where case_seq = 2`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if why := read().Chain("c"); !strings.Contains(why, "does not commit") {
		t.Errorf("an altered row: %q", why)
	}
	columns := map[string]bool{}
	opened, err := rows.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if err := opened.Texts(t.Context(), func(column string, value []byte) {
		columns[column] = true
		if column == "events.data" && len(value) == 0 {
			t.Error("an event without data")
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"events.data", "cases.facts", "receipts.signature", "outbox.shard"} {
		if !columns[want] {
			t.Errorf("%s was not searched", want)
		}
	}
}

func TestAMissingDatabaseIsNotMade(t *testing.T) {
	t.Parallel()
	if _, err := rows.Open(filepath.Join(t.TempDir(), "none.db")); err == nil {
		t.Error("it was opened")
	}
}

// TestAPostgreSQLLogInNeedsTheRoleThatSeesEveryRow: a ledger that only looks empty must not be judged.
func TestAPostgreSQLLogInNeedsTheRoleThatSeesEveryRow(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	place := sqlstoretest.Place(t)
	raw := sqlstoretest.Raw(t, place)
	u, err := url.Parse(place.URL)
	if err != nil {
		t.Fatal(err)
	}
	name := "checker_" + strings.TrimPrefix(u.Path, "/efa_")
	u.User = url.User(name)
	do := func(ctx context.Context, statement string) {
		t.Helper()
		if _, err := raw.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	do(t.Context(), `create role `+name+` login`)
	t.Cleanup(func() { do(context.WithoutCancel(t.Context()), `drop role `+name) })
	do(t.Context(), `insert into submissions (submitter, id_mac, case_id, body_mac, received_at) values ('p', 'i', 'c', 'b', now())`)
	read := func() (*rows.Ledger, error) {
		t.Helper()
		opened, err := rows.Open(u.String())
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		return opened.Read(t.Context())
	}
	if _, err := read(); err == nil || !strings.Contains(err.Error(), "permission denied to set role") {
		t.Errorf("without the role: %v", err)
	}
	do(t.Context(), `grant efa_ledger to `+name)
	got, err := read()
	if err != nil || !got.Claimed["c"] {
		t.Errorf("with the role: %v", err)
	}
}
