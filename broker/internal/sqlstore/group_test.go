package sqlstore

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/efa-broker/efa-broker/contracts"
)

func openGroup(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "ledger.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func addTenant(ctx context.Context, tx *Tx, id string) error {
	_, err := tx.Exec(ctx, `insert into tenants (id, operator, name) values ($1, 'o', 'n')`, id)
	return err
}

func tenants(t *testing.T, db *DB) (n int) {
	t.Helper()
	if err := db.Read().QueryRowContext(t.Context(), `select count(*) from tenants`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// crowd holds one writer in its statements until the others wait behind it, lets all go and returns what each got.
func crowd(t *testing.T, db *DB, writers ...func(tx *Tx) error) []error {
	t.Helper()
	got := make([]error, len(writers))
	begun, queued := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		got[0] = db.Write(t.Context(), func(tx *Tx) error {
			close(begun)
			<-queued
			return writers[0](tx)
		})
	})
	<-begun
	for i, fn := range writers[1:] {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					got[i+1] = errors.New("panicked")
				}
			}()
			got[i+1] = db.Write(t.Context(), fn)
		})
	}
	for db.group.waiting.Load() < int64(len(writers)-1) {
		runtime.Gosched()
	}
	close(queued)
	all.Wait()
	return got
}

func TestWritersThatWaitShareOneCommit(t *testing.T) {
	t.Parallel()
	db := openGroup(t)
	writers := make([]func(tx *Tx) error, 10)
	for i := range writers {
		writers[i] = func(tx *Tx) error {
			if n := tenants(t, db); n != 0 {
				t.Errorf("writer %d ran after a commit of %d rows", i, n)
			}
			return addTenant(t.Context(), tx, strconv.Itoa(i))
		}
	}
	if err := errors.Join(crowd(t, db, writers...)...); err != nil {
		t.Fatal(err)
	}
	if n := tenants(t, db); n != len(writers) {
		t.Errorf("%d rows, want %d", n, len(writers))
	}
}

func TestAGroupThatIsFullCommits(t *testing.T) {
	t.Parallel()
	db := openGroup(t)
	writers := make([]func(tx *Tx) error, largestGroup+1)
	for i := range writers {
		writers[i] = func(tx *Tx) error {
			if err := addTenant(t.Context(), tx, strconv.Itoa(i)); err != nil {
				return err
			}
			if n := tenants(t, db); n != 0 && n != largestGroup {
				t.Errorf("a commit of %d rows, want %d", n, largestGroup)
			}
			return nil
		}
	}
	if err := errors.Join(crowd(t, db, writers...)...); err != nil {
		t.Fatal(err)
	}
	if n := tenants(t, db); n != len(writers) {
		t.Errorf("%d rows, want %d", n, len(writers))
	}
}

func TestAWriterThatFailsTakesBackItsOwnAlone(t *testing.T) {
	t.Parallel()
	db := openGroup(t)
	boom := errors.New("boom")
	got := crowd(t, db,
		func(tx *Tx) error { return addTenant(t.Context(), tx, "first") },
		func(tx *Tx) error { return errors.Join(addTenant(t.Context(), tx, "failing"), boom) },
		func(tx *Tx) error { return addTenant(t.Context(), tx, "last") },
	)
	if got[0] != nil || !errors.Is(got[1], boom) || got[2] != nil {
		t.Fatalf("got %v", got)
	}
	if n := tenants(t, db); n != 2 {
		t.Errorf("%d rows, want those of the two that did not fail", n)
	}
}

func TestAWriterThatPanicsLeavesNothingAndNobodyInDoubt(t *testing.T) {
	t.Parallel()
	db := openGroup(t)
	got := crowd(t, db,
		func(tx *Tx) error { return addTenant(t.Context(), tx, "first") },
		func(tx *Tx) error {
			if err := addTenant(t.Context(), tx, "panicking"); err != nil {
				return err
			}
			panic("a fault of the program")
		},
	)
	if contracts.KindOf(got[0]) != contracts.Unavailable || got[1] == nil {
		t.Fatalf("got %v, want Unavailable and a panic", got)
	}
	if n := tenants(t, db); n != 0 {
		t.Errorf("%d rows of a transaction that was rolled back", n)
	}
	if err := db.Write(t.Context(), func(tx *Tx) error { return addTenant(t.Context(), tx, "next") }); err != nil {
		t.Errorf("the next writer: %v", err)
	}
}

func TestACallerWhoLeavesDisturbsNobody(t *testing.T) {
	t.Parallel()
	db := openGroup(t)
	ctx, leave := context.WithCancel(t.Context())
	got := crowd(t, db,
		func(tx *Tx) error { return addTenant(t.Context(), tx, "first") },
		func(tx *Tx) error {
			leave()
			return addTenant(ctx, tx, "leaving")
		},
		func(tx *Tx) error { return addTenant(t.Context(), tx, "last") },
	)
	if err := errors.Join(got...); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(ctx, func(tx *Tx) error { return addTenant(ctx, tx, "gone") }); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("a caller who had left before got %v", err)
	}
	if n := tenants(t, db); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

func TestWhatADiskCannotTakeNowMayPassLater(t *testing.T) {
	t.Parallel()
	db := openGroup(t)
	if err := db.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(t.Context(), `pragma max_page_count = 1`) // never less than the pages that exist
		return err
	}); err != nil {
		t.Fatal(err)
	}
	fill := func() error {
		return db.Write(t.Context(), func(tx *Tx) error {
			_, err := tx.Exec(t.Context(), `insert into definitions (hash, service, document, created_at) values ('h', 's', zeroblob(1000000), $1)`, tx.Now())
			return err
		})
	}
	if err := fill(); contracts.KindOf(err) != contracts.Unavailable {
		t.Fatalf("got %v, want Unavailable", err)
	}
	if err := db.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(t.Context(), `pragma max_page_count = 1000000`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := fill(); err != nil {
		t.Errorf("once there is room: %v", err)
	}
}
