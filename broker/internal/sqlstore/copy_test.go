package sqlstore_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

func store(t *testing.T, db *sqlstore.DB, id string) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into tenants (id, operator, name) values ($1, 'bayern', $1)`, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestACopyIsWholeWhileOthersWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, to := filepath.Join(dir, "a # b.db"), filepath.Join(dir, "copy.db")
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	store(t, db, "before")
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = db.Write(context.WithoutCancel(t.Context()), func(tx *sqlstore.Tx) error {
				_, err := tx.Exec(t.Context(), `insert into tenants (id, operator, name) values ($1, 'bayern', 'x')`, i)
				return err
			})
		}
	}()
	for range 5 { // each replaces the one before
		if err := sqlstore.Copy(t.Context(), path, to); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-done
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("copy: %v, %v", info, err)
	}
	copied, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: to})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	err = copied.Read().QueryRowContext(t.Context(), `select count(*) from tenants where id = 'before'`).Scan(&n)
	if err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
	if err := copied.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.new"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestADamagedDatabaseIsNotCopied(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, to := filepath.Join(dir, "l.db"), filepath.Join(dir, "copy.db")
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	store(t, db, "before")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sqlstore.Copy(t.Context(), path, to); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	for i := 5000; i < len(good); i++ { // everything behind the first page
		good[i] ^= 0x5a
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlstore.Check(t.Context(), path); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("check of a damaged file: %v", err)
	}
	if err := sqlstore.Copy(t.Context(), path, to); err == nil {
		t.Error("a damaged file was copied")
	}
	if err := sqlstore.Check(t.Context(), to); err != nil {
		t.Errorf("the earlier copy is gone: %v", err)
	}
	if err := sqlstore.Copy(t.Context(), filepath.Join(dir, "absent"), to); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("copy of nothing: %v", err)
	}
}
