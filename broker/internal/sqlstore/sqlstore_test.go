package sqlstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
)

func open(t *testing.T) *sqlstore.DB {
	t.Helper()
	return sqlstoretest.Open(t)
}

func TestTimeAndBytesSurviveTheRoundTrip(t *testing.T) {
	t.Parallel()
	db := open(t)
	want := time.Date(2026, 3, 4, 5, 6, 7, 890_000_000, time.FixedZone("CET", 3600))
	if err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into definitions (hash, service, document, created_at) values ($1, $2, $3, $4)`,
			"h", "s", []byte{0, 1, 2}, want)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var doc []byte
	var at time.Time
	if err := db.Read().QueryRowContext(t.Context(), `select document, created_at from definitions where hash = $1`, "h").Scan(&doc, &at); err != nil {
		t.Fatal(err)
	}
	if !at.Equal(want) || len(doc) != 3 {
		t.Fatalf("got %v %v", at, doc)
	}
}

func TestAFailedTransactionLeavesNothing(t *testing.T) {
	t.Parallel()
	db := open(t)
	ran := false
	boom := errors.New("boom")
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		tx.AfterCommit(func() { ran = true })
		if _, err := tx.Exec(t.Context(), `insert into tenants (id, operator, name) values ($1, $2, $3)`, "t", "o", "n"); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) || ran {
		t.Fatalf("err %v, after-commit ran %v", err, ran)
	}
	var n int
	if err := db.Read().QueryRowContext(context.Background(), `select count(*) from tenants`).Scan(&n); err != nil || n != 0 {
		t.Fatalf("n %d, err %v", n, err)
	}
}

func TestTheReadingPoolCannotWrite(t *testing.T) {
	t.Parallel()
	db := open(t)
	if err := db.Read().QueryRowContext(t.Context(), `delete from tenants returning id`).Scan(new(string)); err == nil {
		t.Fatal("want an error")
	}
}

func TestAPathMayHoldAnyCharacter(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "50% of #1? ä b")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ledger.db")
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the database lies elsewhere: %v", err)
	}
}

func TestAPanicLeavesNothingAndTheDatabaseGoesOn(t *testing.T) {
	t.Parallel()
	db := open(t)
	insert := func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into tenants (id, operator, name) values ($1, $2, $3)`, "t", "o", "n")
		return err
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = db.Write(t.Context(), func(tx *sqlstore.Tx) error {
			if err := insert(tx); err != nil {
				t.Error(err)
			}
			panic("a handler broke down")
		})
	}()
	if err := db.Write(t.Context(), insert); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}
