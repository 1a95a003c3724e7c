package backup_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/backup"
	"github.com/efa-broker/efa-broker/broker/internal/datadir"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts"
)

// house is a data directory as a broker leaves it, with one tenant.
func house(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	d := datadir.Dir(dir)
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: d.Ledger()})
	must(t, err)
	used(t, db)
	v, err := vault.New(t.Context(), vault.Config{Ledger: db, Dir: d.Keystore()})
	must(t, err)
	_, err = v.SealCase(t.Context(), vault.NewCase{Tenant: "muenchen", Case: "c"})
	must(t, err)
	must(t, errors.Join(v.Close(), db.Close()))
	must(t, os.WriteFile(d.ReceiptKey(), make([]byte, 32), 0o600))
	for _, engine := range []string{d.EventLog(), d.Engine()} {
		must(t, os.Mkdir(engine, 0o700))
	}
	return dir
}

// used writes what a ledger holds that has been used.
func used(t *testing.T, db *sqlstore.DB) {
	t.Helper()
	must(t, db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		for _, statement := range []string{
			`insert into tenants (id, operator, name) values ('muenchen', 'bayern', 'x')`,
			`insert into authorities (id, operator, tenant, kind, name, region, roles, waived, mark) values
				('amt', 'bayern', 'muenchen', 'k', 'n', 'r', '[]', false, 'm'), ('zoll', 'bayern', 'muenchen', 'k', 'n', 'r', '[]', false, 'm')`,
			`insert into inbox_counters (authority, epoch, seq) values ('amt', 1, 7)`,
			`insert into outbox (case_id, case_seq, shard, published_at) values ('c', 1, 0, '2026-01-01')`,
			`insert into consumer_positions (consumer, case_id, case_seq) values ('efa.starter', 'c', 1), ('efa.delivery', 'c', 1)`,
		} {
			if _, err := tx.Exec(t.Context(), statement); err != nil {
				return err
			}
		}
		return nil
	}))
}

// prepared checks that a ledger is fit to go on and returns the epoch of its inboxes.
func prepared(t *testing.T, db *sqlstore.DB, before int64) int64 {
	t.Helper()
	var published, starter, delivery, inboxes, epoch, seq int64
	must(t, db.Read().QueryRowContext(t.Context(), `select (select count(*) from outbox where published_at is not null),
		(select count(*) from consumer_positions where consumer = 'efa.starter'), (select count(*) from consumer_positions where consumer = 'efa.delivery'),
		(select count(*) from inbox_counters), (select min(epoch) from inbox_counters), (select seq from inbox_counters where authority = 'amt')`).
		Scan(&published, &starter, &delivery, &inboxes, &epoch, &seq))
	if published != 0 || starter != 0 || delivery != 1 || inboxes != 2 || epoch <= before || seq != 7 {
		t.Errorf("published %d, handed over %d, delivered %d, inboxes %d, epoch %d after %d, seq %d", published, starter, delivery, inboxes, epoch, before, seq)
	}
	return epoch
}

// TestALedgerThatPostgreSQLRestoredIsPrepared does what efabroker restored does, twice in a second.
func TestALedgerThatPostgreSQLRestoredIsPrepared(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := sqlstoretest.Open(t)
	used(t, db)
	last := int64(1)
	for range 2 {
		must(t, backup.Prepare(t.Context(), db))
		last = prepared(t, db, last)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, kind contracts.Kind, want string) {
	t.Helper()
	if err == nil || contracts.KindOf(err) != kind || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s with %q", err, kind, want)
	}
}

func TestLedgerAndKeyStoreAreNeverBackedUpTogether(t *testing.T) {
	t.Parallel()
	dir, ledger, keys := house(t), t.TempDir(), t.TempDir()
	must(t, backup.Ledger(t.Context(), dir, ledger))
	must(t, backup.Keystore(t.Context(), dir, keys))
	refused(t, backup.Ledger(t.Context(), dir, keys), contracts.Invalid, "never kept in one place")
	refused(t, backup.Keystore(t.Context(), dir, ledger), contracts.Invalid, "never kept in one place")
	refused(t, backup.Ledger(t.Context(), dir, filepath.Join(dir, "backup")), contracts.Invalid, "lost together")
	refused(t, backup.Ledger(t.Context(), t.TempDir(), t.TempDir()), contracts.NotFound, "ledger.db")
	for backedUp, want := range map[string]string{ledger: "ledger.db receipt.key", keys: "keys.db"} {
		entries, err := os.ReadDir(backedUp)
		must(t, err)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
			if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: mode %v, %v", e.Name(), info.Mode(), err)
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("a backup holds %s, want %s", got, want)
		}
	}
}

func TestARestoredLedgerGoesOnWithoutItsEngines(t *testing.T) {
	t.Parallel()
	dir, ledger := house(t), t.TempDir()
	must(t, backup.Ledger(t.Context(), dir, ledger))
	var last int64
	for range 2 { // in one second, from the same backup: the epoch is another one each time
		r, err := backup.Restore(t.Context(), backup.Config{Data: dir, From: ledger})
		must(t, err)
		for _, moved := range []string{"ledger.db", "receipt.key"} {
			if _, err := os.Stat(filepath.Join(r.Replaced, moved)); err != nil {
				t.Errorf("not moved aside: %v", err)
			}
		}
		for _, engine := range []string{"kafka", "temporal"} {
			if _, err := os.Stat(filepath.Join(dir, engine)); err == nil {
				t.Errorf("%s is still there", engine)
			}
		}
		db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: datadir.Dir(dir).Ledger()})
		must(t, err)
		last = prepared(t, db, max(last, 1))
		must(t, db.Close())
		must(t, backup.Ledger(t.Context(), dir, ledger)) // the next one restores what was restored
	}
}

func TestARestoreIsRefusedBeforeItHarms(t *testing.T) {
	t.Parallel()
	dir, ledger, keys := house(t), t.TempDir(), t.TempDir()
	d := datadir.Dir(dir)
	must(t, backup.Ledger(t.Context(), dir, ledger))
	must(t, backup.Keystore(t.Context(), dir, keys))
	before, err := os.ReadFile(d.Ledger())
	must(t, err)
	restore := func(cfg backup.Config) error {
		cfg.Data = dir
		_, err := backup.Restore(t.Context(), cfg)
		return err
	}
	lock, err := d.Lock()
	must(t, err)
	refused(t, restore(backup.Config{From: ledger}), contracts.Conflict, "in use")
	must(t, lock.Close())
	refused(t, restore(backup.Config{From: t.TempDir()}), contracts.Invalid, "ledger.db")
	refused(t, restore(backup.Config{From: ledger, Keystore: t.TempDir()}), contracts.Invalid, "keys.db")
	must(t, os.Rename(vault.TenantKeys(d.Keystore()), filepath.Join(dir, "aside")))
	refused(t, restore(backup.Config{From: ledger}), contracts.Conflict, "no tenant key")
	must(t, os.Rename(filepath.Join(dir, "aside"), vault.TenantKeys(d.Keystore())))
	must(t, os.Remove(filepath.Join(ledger, "receipt.key")))
	refused(t, restore(backup.Config{From: ledger}), contracts.Invalid, "key of its receipts")
	after, err := os.ReadFile(d.Ledger())
	must(t, err)
	if string(before) != string(after) {
		t.Error("a refused restore changed the ledger")
	}
	must(t, d.Whole())
}

// TestAnInterruptedRestoreIsRunAgain breaks a restore behind the point where the old ledger is gone.
func TestAnInterruptedRestoreIsRunAgain(t *testing.T) {
	t.Parallel()
	dir, ledger, keys := house(t), t.TempDir(), t.TempDir()
	d := datadir.Dir(dir)
	must(t, backup.Ledger(t.Context(), dir, ledger))
	must(t, backup.Keystore(t.Context(), dir, keys))
	must(t, os.Mkdir(filepath.Join(dir, "receipt.key.new"), 0o700)) // the next file cannot be written
	_, err := backup.Restore(t.Context(), backup.Config{Data: dir, From: ledger, Keystore: keys})
	if err == nil {
		t.Fatal("nothing was interrupted")
	}
	if contracts.KindOf(d.Whole()) != contracts.Conflict {
		t.Error("a broker would start on half a restore")
	}
	refused(t, backup.Ledger(t.Context(), dir, t.TempDir()), contracts.Conflict, "interrupted")
	must(t, os.Remove(filepath.Join(dir, "receipt.key.new")))
	_, err = backup.Restore(t.Context(), backup.Config{Data: dir, From: ledger, Keystore: keys})
	must(t, err)
	must(t, d.Whole())
	must(t, sqlstore.Check(t.Context(), filepath.Join(d.Keystore(), vault.KeyFile)))
}
