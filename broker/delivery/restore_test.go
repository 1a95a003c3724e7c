package delivery_test

import (
	"testing"

	"github.com/efa-broker/efa-broker/broker/delivery"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	items "github.com/efa-broker/efa-broker/contracts/delivery"
)

// TestAfterARestoreNoCursorMissesAnything restores twice: an authority whose items the backup knows, and one that got
// its first item after the backup.
func TestAfterARestoreNoCursorMissesAnything(t *testing.T) {
	t.Parallel()
	b := setup(t, "c1", "c2", "c3")
	sqlstoretest.Exec(t, b.db, `insert into tenants (id, operator, name) values ('m', 'bayern', 'x')`)
	sqlstoretest.Exec(t, b.db, `insert into authorities (id, operator, tenant, kind, name, region, roles, waived, mark) values
		('known', 'bayern', 'm', 'k', 'n', 'r', '[]', false, 'm'), ('late', 'bayern', 'm', 'k', 'n', 'r', '[]', false, 'm')`)
	b.handle(t, b.announced("c1", 1, "known"))
	cursors := map[string][]string{"known": {b.inbox(t, "known", "")[0].Cursor}, "late": {"1.1", "1.7"}}
	for round := range 2 {
		if err := b.db.Write(t.Context(), func(tx *sqlstore.Tx) error { return delivery.Restored(t.Context(), tx) }); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			b.handle(t, b.announced("c2", 1, "late"))
		}
		for a, old := range cursors {
			for _, cursor := range old {
				var got []items.Item
				switch a {
				case "known":
					got = b.inbox(t, "known", cursor)
				default:
					got = b.inbox(t, "late", cursor)
				}
				if len(got) != 1 {
					t.Errorf("round %d: behind %s of %s stand %d items, want the one that is not done", round, cursor, a, len(got))
				}
			}
		}
		cursors["late"] = append(cursors["late"], b.inbox(t, "late", "")[0].Cursor)
	}
}
