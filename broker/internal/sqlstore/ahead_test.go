package sqlstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

const renameTenant = `update tenants set name = 'new' where id = 'a'`

// Whether it went ahead or not, a query reads what the transaction has written before it is asked.
func TestWhatWasAskedAheadReadsWhatWasWrittenSince(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	undo := errors.New("undo")
	for between, c := range map[string]struct {
		do   func(tx *sqlstore.Tx) error
		want string
	}{
		"nothing":             {func(*sqlstore.Tx) error { return nil }, "old"},
		"a query":             {func(tx *sqlstore.Tx) error { tenantNames(t, tx); return nil }, "old"},
		"a put":               {func(tx *sqlstore.Tx) error { return tx.Put(t.Context(), renameTenant) }, "new"},
		"a put and a query":   {func(tx *sqlstore.Tx) error { defer tenantNames(t, tx); return tx.Put(t.Context(), renameTenant) }, "new"},
		"a query that writes": {func(tx *sqlstore.Tx) error { texts(t, tx, renameTenant+` returning id`); return nil }, "new"},
		"a put before a query that writes": {func(tx *sqlstore.Tx) error {
			err := tx.Put(t.Context(), `update tenants set name = 'old' where id = 'b'`)
			tx.Ahead(`select name from tenants where id = $1`, "a")
			texts(t, tx, renameTenant+` returning id`)
			return err
		}, "new"},
		"a statement": {func(tx *sqlstore.Tx) error { _, err := tx.Exec(t.Context(), renameTenant); return err }, "new"},
	} {
		err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
			if err := errors.Join(tx.Put(t.Context(), putTenant, "a", "old"), tx.Put(t.Context(), putTenant, "b", "old")); err != nil {
				return err
			}
			const name = `select name from tenants where id = $1`
			for _, id := range []string{"a", "b", "a"} {
				tx.Ahead(name, id)
			}
			if got := texts(t, tx, name, "b"); !slices.Equal(got, []string{"old"}) {
				t.Errorf("before %s: b is %v", between, got)
			}
			if err := c.do(tx); err != nil {
				return err
			}
			for range 2 {
				if got := texts(t, tx, name, "a"); !slices.Equal(got, []string{c.want}) {
					t.Errorf("behind %s: a is %v, want %s", between, got, c.want)
				}
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatalf("%s: %v", between, err)
		}
	}
}

func TestWhatIsAskedAheadGoesWithTheQueryBeforeIt(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	err := open(t).Write(t.Context(), func(tx *sqlstore.Tx) error {
		const clock, later = `select clock_timestamp()::text`, `select 'later ' || clock_timestamp()::text`
		tx.Ahead(clock)
		texts(t, tx, `select 'first'`)
		second := strings.TrimPrefix(texts(t, tx, later)[0], "later ")
		if first := texts(t, tx, clock)[0]; first >= second {
			t.Errorf("it was asked at %s, behind the query of %s", first, second)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAQueryAheadThatFailsIsTheErrorOfTheTransaction(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := open(t)
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		tx.Ahead(`select 1 / (length(name) - 3) from tenants where id = 'a'`)
		if err := tx.Put(t.Context(), putTenant, "b", "1"); err != nil {
			return err
		}
		tx.Ahead(`select 1 / 0`)
		return tx.QueryRowContext(t.Context(), `select 1`).Scan(new(int))
	})
	if err == nil || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("got %v", err)
	}
	if got := tenantNames(t, db.Read()); len(got) > 0 {
		t.Errorf("the database holds %v", got)
	}
}

// The viewer's settings go with the first query; one who asked nothing leaves none for the next.
func TestAConnectionIsTheNextViewersAloneAlsoWhenTheLastOneAskedNothing(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := open(t)
	viewer := func(a authority.ID) actor.Viewer {
		return actor.Viewer{Actor: actor.Actor{ID: string(a), Role: actor.System, Authority: a}, Operator: "bayern"}
	}
	for range 20 { // more than there are connections
		if err := db.View(t.Context(), viewer("idle"), func(sqlstore.Querier) error { return nil }); err != nil {
			t.Fatal(err)
		}
		err := db.View(t.Context(), viewer("busy"), func(q sqlstore.Querier) error {
			for range 2 {
				if got := texts(t, q, `select current_setting('efa.authority')`); !slices.Equal(got, []string{"busy"}) {
					t.Errorf("a connection is of %v", got)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
