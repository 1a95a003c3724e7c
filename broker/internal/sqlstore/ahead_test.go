package sqlstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
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

// In one batch with a write, before it or behind it, a query reads what its place says.
func TestAWriteInTheSameBatchComesBetween(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	const name = `select name from tenants where id = $1`
	for how, ask := range map[string]func(tx *sqlstore.Tx) []string{
		"asked again": func(tx *sqlstore.Tx) []string { return texts(t, tx, name, "a") },
		"asked behind another query": func(tx *sqlstore.Tx) []string {
			texts(t, tx, name, "b")
			return texts(t, tx, name, "a")
		},
	} {
		err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
			if err := tx.Put(t.Context(), putTenant, "a", "old"); err != nil {
				return err
			}
			tx.Ahead(name, "a")
			if err := tx.Put(t.Context(), renameTenant); err != nil {
				return err
			}
			if got := ask(tx); !slices.Equal(got, []string{"new"}) {
				t.Errorf("%s: %v", how, got)
			}
			_, err := tx.Exec(t.Context(), `delete from tenants`)
			return err
		})
		if err != nil {
			t.Fatal(err)
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

// The viewer's settings go with the first query: whether the viewer before asked nothing, or that query failed, a connection is
// of nobody else.
func TestAConnectionIsOfTheViewerAlone(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := open(t)
	office := func(a authority.ID) actor.Viewer {
		return actor.Viewer{Actor: actor.Actor{ID: string(a), Role: actor.System, Authority: a}, Operator: "bayern"}
	}
	for range 20 { // more than there are connections
		view(t, db, office("idle"), func(sqlstore.Querier) {})
		view(t, db, office("other"), func(q sqlstore.Querier) { texts(t, q, `select 'fine'`) })
		for _, first := range []string{`select 'fine'`, `select (1 / 0)::text`, `select no_such_column`} {
			view(t, db, office("busy"), func(q sqlstore.Querier) {
				_ = q.QueryRowContext(t.Context(), first).Scan(new(string))
				if got := texts(t, q, `select current_setting('efa.authority')`); !slices.Equal(got, []string{"busy"}) {
					t.Errorf("behind %q a connection is of %v", first, got)
				}
			})
		}
	}
}

// The first query of a transaction goes with its beginning, and its error is still its own.
func TestAQueryThatFailsTellsItsCaller(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := open(t)
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		err := tx.QueryRowContext(t.Context(), `select 1 / 0`).Scan(new(int))
		if err != nil {
			return contracts.Errorf(contracts.Unavailable, "divide", "%w", err)
		}
		return nil
	})
	if contracts.KindOf(err) != contracts.Unavailable || !strings.Contains(err.Error(), "divide") || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("got %v", err)
	}
	if err := db.Write(t.Context(), func(tx *sqlstore.Tx) error { return tx.Put(t.Context(), putTenant, "a", "1") }); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

// A query is read in one way when it is asked at once and in another when it went with others.
func TestAheadAndAtOnceReadTheSameValues(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	const query = `select null::text, true, 7::smallint, 8::integer, 9::bigint, 1.5::double precision, sum(12), 'text', '\x0001'::bytea,
		timestamp '2026-11-26 01:02:03.000004', timestamptz '2026-11-26 01:02:03.000004+01', date '2026-11-26' from (values (1)) v`
	read := func(q sqlstore.Querier) []any {
		t.Helper()
		out, dest := make([]any, 12), make([]any, 12)
		for i := range out {
			dest[i] = &out[i]
		}
		if err := q.QueryRowContext(t.Context(), query).Scan(dest...); err != nil {
			t.Fatal(err)
		}
		for i, v := range out {
			if at, ok := v.(time.Time); ok {
				out[i] = at.UTC()
			}
		}
		return out
	}
	db := open(t)
	atOnce := read(db.Read())
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		if diff := cmp.Diff(atOnce, read(tx)); diff != "" {
			t.Errorf("ahead it reads otherwise:\n%s", diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
