package vault

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Config is what a Vault needs.
type Config struct {
	// Ledger is the ledger database, which holds the sealed objects.
	Ledger *sqlstore.DB
	// Dir is the directory of the key store. It must not lie in the ledger's backup.
	Dir string
	// Backup is the directory into which BackUpKeys copies the key store. Defaults to Dir/backup.
	Backup string
	// KeysURL is the PostgreSQL database of the key store, in a cluster of its own: never in the one whose log is archived
	// for the ledger (DESIGN decision 6). Defaults to a file in Dir.
	KeysURL string
	// Migrated refuses a PostgreSQL key store that lacks a migration instead of applying it.
	Migrated bool
	// Wrapper holds the tenant keys. Defaults to files under Dir/tenants.
	Wrapper KeyWrapper
	// Log receives what an operator cares about. Defaults to slog.Default.
	Log *slog.Logger
	// MaxContentBytes is the size above which content is refused. It is not below what the door lets in, so that a
	// document has one limit. Defaults to 10 MiB.
	MaxContentBytes int
	// PendingAge is the age at which an object that no event refers to is removed. Defaults to 24 hours.
	PendingAge time.Duration
	// SweepEvery is the time between two sweeps. Defaults to one hour.
	SweepEvery time.Duration
}

// Vault seals and opens.
type Vault struct {
	ledger     *sqlstore.DB
	keys       *keyStore
	dir        string
	migrations fs.FS
	outside    bool // the key store is a PostgreSQL database
	backup     string
	files      *FileKeys
	log        *slog.Logger
	maxBytes   int
	pendingAge time.Duration
	sweepEvery time.Duration
}

// New opens the key store under cfg.Dir and creates what is missing. The caller closes the Vault.
func New(ctx context.Context, cfg Config) (*Vault, error) {
	const op = "open vault"
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	migrations, err := fs.Sub(embedded, "migrations")
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	store := sqlstore.Config{URL: cfg.KeysURL, Migrations: migrations, Migrated: cfg.Migrated, Now: cfg.Ledger.Now}
	if cfg.KeysURL == "" {
		store.Path = filepath.Join(cfg.Dir, KeyFile)
	}
	db, err := sqlstore.Open(ctx, store)
	if err != nil {
		return nil, contracts.Errorf(contracts.KindOf(err), op, "%w", err)
	}
	v := &Vault{
		ledger: cfg.Ledger, keys: &keyStore{db: db, wrapper: cfg.Wrapper}, dir: cfg.Dir, log: or(cfg.Log, slog.Default()),
		migrations: migrations, outside: cfg.KeysURL != "",
		backup:     or(cfg.Backup, filepath.Join(cfg.Dir, "backup")),
		maxBytes:   or(cfg.MaxContentBytes, 10<<20),
		pendingAge: or(cfg.PendingAge, 24*time.Hour),
		sweepEvery: or(cfg.SweepEvery, time.Hour),
	}
	if cfg.Wrapper == nil {
		if v.files, err = NewFileKeys(TenantKeys(cfg.Dir)); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		v.keys.wrapper = v.files
	}
	return v, nil
}

// Close closes the key store, and the files of the tenant keys when New opened them.
func (v *Vault) Close() error {
	if v.files == nil {
		return v.keys.db.Close()
	}
	return errors.Join(v.keys.db.Close(), v.files.Close())
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
