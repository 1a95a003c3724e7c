package backup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/efa-broker/efa-broker/broker/internal/datadir"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts"
)

// Names of the files in a backup of the ledger.
const (
	ledgerFile = "ledger.db"
	keyFile    = "receipt.key"
)

// Ledger copies the record into the directory to: the database, consistent at one instant and checked, and the key with
// which its receipts verify.
func Ledger(ctx context.Context, data, to string) error {
	d := datadir.Dir(data)
	if err := room(d, to, vault.KeyFile); err != nil {
		return err
	}
	if err := sqlstore.Copy(ctx, d.Ledger(), filepath.Join(to, ledgerFile)); err != nil {
		return err
	}
	return copyFile(d.ReceiptKey(), filepath.Join(to, keyFile))
}

// Keystore copies the wrapped keys into the directory to. Without the tenant keys they open nothing.
func Keystore(ctx context.Context, data, to string) error {
	d := datadir.Dir(data)
	if err := room(d, to, ledgerFile); err != nil {
		return err
	}
	return sqlstore.Copy(ctx, filepath.Join(d.Keystore(), vault.KeyFile), filepath.Join(to, vault.KeyFile))
}

// room makes a directory for a backup. It refuses one that holds the other backup, and one in the data directory, which
// is lost together with it.
func room(d datadir.Dir, to, other string) error {
	const op = "make room for backup"
	if err := d.Whole(); err != nil {
		return err
	}
	inside, err := within(string(d), to)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	if inside {
		return contracts.Errorf(contracts.Invalid, op, "%s lies in the data directory and is lost together with it; name another disk", to)
	}
	if _, err := os.Stat(filepath.Join(to, other)); !errors.Is(err, fs.ErrNotExist) {
		return contracts.Errorf(contracts.Invalid, op, "%s holds %s; ledger and key store are never kept in one place", to, other)
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return nil
}

func within(root, path string) (bool, error) {
	absRoot, err := filepath.Abs(root)
	if err != nil {
		return false, err
	}
	absPath, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	relative, err := filepath.Rel(absRoot, absPath)
	return err == nil && filepath.IsLocal(relative), nil
}

// copyFile copies a small file whole or not at all, durably, mode 0600.
func copyFile(from, to string) error {
	const op = "copy file"
	raw, err := os.ReadFile(from) //nolint:gosec // the operator names both places
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	next := to + ".new"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the operator names both places
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	if err := os.Rename(next, to); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return durable(filepath.Dir(to))
}

// durable makes the names in a directory survive a power cut.
func durable(dir string) error {
	f, err := os.Open(dir) //nolint:gosec // the operator names the directory
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "sync directory", "%w", err)
	}
	return nil
}
