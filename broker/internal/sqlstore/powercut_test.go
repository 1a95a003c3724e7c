package sqlstore_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// Layout of SQLite's files (sqlite.org/walformat.html): a header and a frame header before each page of the log, and where
// its index tells how many frames a checkpoint has brought into the database. The disk was told to keep those first, so no
// power cut loses them.
const (
	walHeader, frameHeader = 32, 24
	backfilledAt           = 96
)

// powerCut copies a database as a power cut may leave it while a transaction is open: of its log an arbitrary part is
// missing.
func powerCut(t *testing.T, db *sqlstore.DB, path, to string, random *rand.Rand) (cut, size int) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error { // nobody else writes or checkpoints meanwhile
		if _, err := tx.Exec(t.Context(), `insert into tenants (id, operator, name) values ('never', 'bayern', 'x')`); err != nil {
			return err
		}
		var files [3][]byte
		for i, suffix := range []string{"", "-wal", "-shm"} {
			raw, err := os.ReadFile(path + suffix)
			if err != nil {
				return err
			}
			files[i] = raw
		}
		page := int(binary.BigEndian.Uint16(files[0][16:]))
		kept := int(binary.NativeEndian.Uint32(files[2][backfilledAt:]))
		least := min(walHeader+kept*(frameHeader+page), len(files[1]))
		cut, size = least+random.IntN(len(files[1])-least+1), len(files[1])
		if err := os.WriteFile(to, files[0], 0o600); err != nil {
			return err
		}
		if err := os.WriteFile(to+"-wal", files[1][:cut], 0o600); err != nil {
			return err
		}
		return context.Canceled // takes the row back
	})
	if err == nil {
		t.Fatal("the transaction was committed")
	}
	if cut == 0 {
		t.Fatal(err)
	}
	return cut, size
}

// TestAPowerCutLeavesAPrefixOfWhatWasAcknowledged copies a database again and again while others write, with its log cut
// at a random byte: the copy is sound, it holds a prefix of the acknowledged order, and takes new rows.
func TestAPowerCutLeavesAPrefixOfWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var mu sync.Mutex
	var acknowledged int64 // rows 1 … acknowledged were
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for range 3 {
		writers.Go(func() {
			for ctx.Err() == nil {
				var n int64
				err := db.Write(context.WithoutCancel(ctx), func(tx *sqlstore.Tx) error {
					return tx.QueryRowContext(context.WithoutCancel(ctx), `insert into tenants (id, operator, name)
						select 1 + count(*), 'bayern', 'x' from tenants returning cast(id as integer)`).Scan(&n)
				})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged = max(acknowledged, n)
				mu.Unlock()
			}
		})
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	shortened := 0
	for n := range 12 {
		copied := filepath.Join(dir, "copy"+string(rune('a'+n))+".db")
		mu.Lock()
		before := acknowledged
		mu.Unlock()
		cut, size := powerCut(t, db, path, copied, random)
		held := wantPrefix(t, copied)
		if cut == size && held < before {
			t.Errorf("seed %d: an uncut copy holds %d of %d acknowledged rows", seed, held, before)
		}
		if held < before {
			shortened++
		}
	}
	stop()
	writers.Wait()
	t.Logf("seed %d: %d of 12 copies hold less than was acknowledged, of %d rows", seed, shortened, acknowledged)
	if shortened == 0 {
		t.Error("no cut lost anything, so nothing was tried")
	}
}

// wantPrefix checks a copy and returns how many rows it holds.
func wantPrefix(t *testing.T, path string) (held int64) {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
	if err != nil {
		t.Fatalf("a cut copy does not open: %v", err)
	}
	defer db.Close()
	if err := sqlstore.Check(t.Context(), path); err != nil {
		t.Error(err)
	}
	var highest int64
	if err := db.Read().QueryRowContext(t.Context(), `select count(*), coalesce(max(cast(id as integer)), 0) from tenants`).Scan(&held, &highest); err != nil {
		t.Fatal(err)
	}
	if held != highest {
		t.Errorf("%d rows up to %d: no prefix", held, highest)
	}
	store(t, db, "new")
	return held
}
