package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

// copyKeys copies the key store into a SQLite file, which replaces an older one at once or not at all.
func (v *Vault) copyKeys(ctx context.Context, to string) (err error) {
	if !v.outside {
		return sqlstore.Copy(ctx, filepath.Join(v.dir, KeyFile), to)
	}
	const op = "back up key store"
	staged := to + ".staged"
	defer func() {
		if rm := removeDatabase(staged); rm != nil {
			err = errors.Join(err, contracts.Errorf(contracts.Unavailable, op, "%w", rm))
		}
	}()
	if err := removeDatabase(staged); err != nil { // of a copy that was interrupted
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	db, err := sqlstore.Open(ctx, sqlstore.Config{Path: staged, Migrations: v.migrations})
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	err = v.keys.db.Snapshot(ctx, func(q sqlstore.Querier) error {
		return db.Write(ctx, func(tx *sqlstore.Tx) error { return copyTables(ctx, q, tx) })
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return sqlstore.Copy(ctx, staged, to)
}

func removeDatabase(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// copyTables copies every row of the key store.
func copyTables(ctx context.Context, from sqlstore.Querier, to *sqlstore.Tx) error {
	for _, t := range []struct {
		read, write string
		columns     int
	}{
		{`select id, tenant, wrapped, created_at from keys`, `insert into keys (id, tenant, wrapped, created_at) values ($1, $2, $3, $4)`, 4},
		{`select tenant, version from tenant_versions`, `insert into tenant_versions (tenant, version) values ($1, $2)`, 2},
		{`select id, destroyed_at from destroyed_keys`, `insert into destroyed_keys (id, destroyed_at) values ($1, $2)`, 2},
	} {
		rows, err := from.QueryContext(ctx, t.read)
		if err != nil {
			return fmt.Errorf("read key store: %w", err)
		}
		if err := copyRows(ctx, rows, to, t.write, t.columns); err != nil {
			return err
		}
	}
	return nil
}

func copyRows(ctx context.Context, rows *sql.Rows, to *sqlstore.Tx, write string, columns int) (err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	values, places := make([]any, columns), make([]any, columns)
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return fmt.Errorf("read key store: %w", err)
		}
		if _, err := to.Exec(ctx, write, values...); err != nil {
			return err
		}
	}
	return rows.Err()
}
