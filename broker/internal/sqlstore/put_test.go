package sqlstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
)

const putTenant = `insert into tenants (id, operator, name) values ($1, 'o', $2)`

func tenantNames(t *testing.T, q sqlstore.Querier) []string {
	t.Helper()
	return texts(t, q, `select id || '=' || name from tenants order by id`)
}

func TestWhatWasPutIsSeenByWhateverComesAfterIt(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		if err := errors.Join(tx.Put(t.Context(), putTenant, "a", "1"), tx.Put(t.Context(), putTenant, "b", "1"),
			tx.Put(t.Context(), `update tenants set name = '2' where id = $1`, "b")); err != nil {
			return err
		}
		if got, want := tenantNames(t, tx), []string{"a=1", "b=2"}; !slices.Equal(got, want) {
			t.Errorf("the transaction reads %v, want %v", got, want)
		}
		if err := tx.Put(t.Context(), `update tenants set name = '3' where id = $1`, "a"); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), `update tenants set name = name || '!' where id = 'a'`); err != nil {
			return err
		}
		return tx.Put(t.Context(), putTenant, "c", "1")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tenantNames(t, db.Read()), []string{"a=3!", "b=2", "c=1"}; !slices.Equal(got, want) {
		t.Errorf("the database holds %v, want %v", got, want)
	}
}

func TestAPutOfATransactionThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	stop := errors.New("stop")
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		return errors.Join(tx.Put(t.Context(), putTenant, "a", "1"), stop)
	})
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	if got := tenantNames(t, db.Read()); len(got) > 0 {
		t.Errorf("the database holds %v", got)
	}
}

// The statement that fails may not be the one that tells of it: on PostgreSQL the error comes with whatever is asked next.
func TestTheErrorOfAPutIsThatOfTheTransaction(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	for name, next := range map[string]func(tx *sqlstore.Tx) error{
		"nothing": func(*sqlstore.Tx) error { return nil },
		"a row":   func(tx *sqlstore.Tx) error { return tx.QueryRowContext(t.Context(), `select 1`).Scan(new(int)) },
		"rows": func(tx *sqlstore.Tx) error {
			rows, err := tx.QueryContext(t.Context(), `select id from tenants`)
			if err != nil {
				return err
			}
			return errors.Join(rows.Err(), rows.Close())
		},
		"a statement": func(tx *sqlstore.Tx) error {
			_, err := tx.Exec(t.Context(), `update tenants set name = ''`)
			return err
		},
	} {
		err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
			if err := tx.Put(t.Context(), putTenant, "a", nil); err != nil { // a name must not be null
				return err
			}
			return next(tx)
		})
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), "null") {
			t.Errorf("followed by %s: %v", name, err)
		}
	}
	if got := tenantNames(t, db.Read()); len(got) > 0 {
		t.Errorf("the database holds %v", got)
	}
}

func TestAnArgumentThatNoDatabaseTakesIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		if err := tx.Put(t.Context(), putTenant, "a", struct{}{}); err == nil {
			t.Error("a struct was taken")
		}
		return tx.Put(t.Context(), putTenant, "b", "1")
	})
	if got := tenantNames(t, db.Read()); err != nil || !slices.Equal(got, []string{"b=1"}) {
		t.Errorf("the database holds %v, %v", got, err)
	}
}
