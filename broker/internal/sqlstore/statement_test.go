package sqlstore

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

// TestAStatementIsUsedAgainAlsoWhileItsRowsAreRead runs one query within itself, in a transaction and beside it.
func TestAStatementIsUsedAgainAlsoWhileItsRowsAreRead(t *testing.T) {
	t.Parallel()
	db := openGroup(t)
	const list = `select id from tenants where id >= $1 order by id`
	err := db.Write(t.Context(), func(tx *Tx) error {
		for i := range 3 {
			if err := addTenant(t.Context(), tx, strconv.Itoa(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	nested := func(q Querier) (_ string, err error) {
		var seen strings.Builder
		outer, err := q.QueryContext(t.Context(), list, "0")
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, outer.Close()) }()
		for outer.Next() {
			var id, first string
			if err := outer.Scan(&id); err != nil {
				return "", err
			}
			if err := q.QueryRowContext(t.Context(), list, id).Scan(&first); err != nil {
				return "", err
			}
			seen.WriteString(id + first)
		}
		return seen.String(), outer.Err()
	}
	for range 2 {
		if seen, err := nested(db.Read()); err != nil || seen != "001122" {
			t.Errorf("beside: %q, %v", seen, err)
		}
		if err := db.Write(t.Context(), func(tx *Tx) error {
			seen, err := nested(tx)
			if seen != "001122" {
				t.Errorf("within: %q", seen)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
}

func TestAStatementFollowsAChangeOfItsTable(t *testing.T) {
	t.Parallel()
	db := openGroup(t)
	for _, add := range []string{"first", "second"} {
		err := db.Write(t.Context(), func(tx *Tx) error {
			if err := addTenant(t.Context(), tx, add); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), `alter table tenants add column `+add+` text`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := tenants(t, db); n == 0 {
			t.Errorf("after %s: no rows", add)
		}
	}
}
