package backup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/efa-broker/efa-broker/broker/delivery"
	"github.com/efa-broker/efa-broker/broker/internal/datadir"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/relay"
	"github.com/efa-broker/efa-broker/broker/starter"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts"
)

// Config says what is restored from where.
type Config struct {
	// Data is the data directory; no broker runs on it.
	Data string
	// From is the backup of the ledger.
	From string
	// Keystore is a backup of the key store; empty leaves the key store as it is, which is the rule.
	Keystore string
	// KeepEngine leaves the process engine's directory: whoever sets it has put one there that is older than the backup.
	KeepEngine bool
}

// Report says what a restore did.
type Report struct {
	// Replaced is the directory into which was moved what stood there before.
	Replaced string `json:"replaced"`
	// Cases and Open count what the restored ledger holds.
	Cases int64 `json:"cases"`
	Open  int64 `json:"open_cases"`
}

// Restore puts a backup of the ledger in place. An interrupted restore leaves a mark with which no broker starts, and is
// run again.
func Restore(ctx context.Context, cfg Config) (r Report, err error) {
	d := datadir.Dir(cfg.Data)
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return r, contracts.Errorf(contracts.Unavailable, "make data directory", "%w", err)
	}
	lock, err := d.Lock()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := check(ctx, d, cfg); err != nil {
		return r, err
	}
	staged := d.Ledger() + ".restored"
	if err := stage(ctx, cfg, staged, &r); err != nil {
		return r, err
	}
	return r, swap(d, cfg, staged, &r)
}

// check refuses a backup that is damaged, and a directory on which the contents could not be opened afterwards.
func check(ctx context.Context, d datadir.Dir, cfg Config) error {
	const op = "check before restore"
	if err := sqlstore.Check(ctx, filepath.Join(cfg.From, ledgerFile)); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(cfg.From, keyFile)); err != nil {
		return contracts.Errorf(contracts.Invalid, op, "the backup lacks the key of its receipts: %w", err)
	}
	keys := filepath.Join(d.Keystore(), vault.KeyFile)
	if cfg.Keystore != "" {
		keys = filepath.Join(cfg.Keystore, vault.KeyFile)
	}
	if err := sqlstore.Check(ctx, keys); err != nil {
		return err
	}
	tenants, err := os.ReadDir(vault.TenantKeys(d.Keystore()))
	if err != nil || !slices.ContainsFunc(tenants, fs.DirEntry.IsDir) {
		return contracts.Errorf(contracts.Conflict, op, "%s holds no tenant key; put the tenant keys and the journal of erasures there first, without them no content opens",
			vault.TenantKeys(d.Keystore()))
	}
	return nil
}

// stage copies the backup beside the ledger and prepares the copy.
func stage(ctx context.Context, cfg Config, staged string, r *Report) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(staged + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return contracts.Errorf(contracts.Unavailable, "stage restore", "%w", err)
		}
	}
	if err := copyFile(filepath.Join(cfg.From, ledgerFile), staged); err != nil {
		return err
	}
	db, err := sqlstore.Open(ctx, sqlstore.Config{Path: staged})
	if err != nil {
		return contracts.Errorf(contracts.Invalid, "open backup", "%w", err)
	}
	err = Prepare(ctx, db)
	if err == nil {
		err = db.Read().QueryRowContext(ctx, `select count(*), count(*) filter (where closed_at is null) from cases`).Scan(&r.Cases, &r.Open)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return contracts.Errorf(contracts.Unavailable, "prepare restored ledger", "%w", err)
	}
	if _, err := os.Stat(staged + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		return contracts.Errorf(contracts.Unavailable, "prepare restored ledger", "somebody else has %s open", staged)
	}
	return nil
}

// Prepare makes a ledger from a backup fit to go on: the inboxes get a new epoch, so that old cursors miss nothing;
// every event is published anew, and handed over anew to a process engine that is empty or older.
func Prepare(ctx context.Context, db *sqlstore.DB) error {
	return db.Write(ctx, func(tx *sqlstore.Tx) error {
		return errors.Join(delivery.Restored(ctx, tx), relay.Restored(ctx, tx), starter.Restored(ctx, tx))
	})
}

// swap moves aside what stands there and puts the new files in place, under the mark.
func swap(d datadir.Dir, cfg Config, staged string, r *Report) error {
	const op = "put restored ledger in place"
	if err := mark(d); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	r.Replaced = filepath.Join(cfg.Data, "replaced-"+time.Now().UTC().Format("20060102T150405.000000"))
	if err := os.Mkdir(r.Replaced, 0o700); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	for _, path := range replaced(d, cfg) {
		if err := os.Rename(path, filepath.Join(r.Replaced, filepath.Base(path))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return contracts.Errorf(contracts.Unavailable, op, "%w", err)
		}
	}
	if err := os.Rename(staged, d.Ledger()); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	if err := copyFile(filepath.Join(cfg.From, keyFile), d.ReceiptKey()); err != nil {
		return err
	}
	if cfg.Keystore != "" {
		if err := copyFile(filepath.Join(cfg.Keystore, vault.KeyFile), filepath.Join(d.Keystore(), vault.KeyFile)); err != nil {
			return err
		}
	}
	if err := durable(cfg.Data); err != nil {
		return err
	}
	if err := os.Remove(d.Restoring()); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return durable(cfg.Data)
}

func mark(d datadir.Dir) error {
	f, err := os.OpenFile(d.Restoring(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return durable(filepath.Dir(d.Restoring()))
}

// replaced lists what makes room. The embedded event log always does: it may be newer than the ledger, and everything in
// it is published again.
func replaced(d datadir.Dir, cfg Config) []string {
	paths := []string{d.Ledger(), d.Ledger() + "-wal", d.Ledger() + "-shm", d.ReceiptKey(), d.EventLog()}
	if !cfg.KeepEngine {
		paths = append(paths, d.Engine())
	}
	if cfg.Keystore != "" {
		keys := filepath.Join(d.Keystore(), vault.KeyFile)
		paths = append(paths, keys, keys+"-wal", keys+"-shm")
	}
	return paths
}
