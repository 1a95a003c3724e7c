package assembly

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/backup"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/vault"
)

// Migrate brings ledger and key store to this program's version and changes nothing else.
func Migrate(ctx context.Context, cfg Config) (err error) {
	cfg.Migrated = false
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	db, err := sqlstore.Open(ctx, cfg.ledger())
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := vault.New(ctx, cfg.vault(db))
	if err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	return keys.Close()
}

// Restored makes a ledger fit to go on that came back from a backup, while no broker runs on it.
func Restored(ctx context.Context, cfg Config) (err error) {
	db, err := sqlstore.Open(ctx, cfg.ledger())
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return backup.Prepare(ctx, db)
}
