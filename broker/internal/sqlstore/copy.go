package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/efa-broker/efa-broker/contracts"
)

// Copy writes a whole, checked copy of the SQLite database at from to the file to, while others may write to it. The
// copy replaces an older one at once, or not at all; it needs no write-ahead log beside it.
func Copy(ctx context.Context, from, to string) error {
	const op = "copy database"
	if _, err := os.Stat(from); err != nil {
		return contracts.Errorf(contracts.NotFound, op, "%w", err)
	}
	next := to + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	if err := create(next); err != nil { // SQLite writes into an empty file and keeps its mode
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	err := vacuum(ctx, from, next)
	if err == nil {
		err = Check(ctx, next)
	}
	if err == nil {
		err = replace(next, to)
	}
	if err != nil {
		return errors.Join(contracts.Errorf(contracts.Unavailable, op, "%s: %w", from, err), os.Remove(next))
	}
	return nil
}

func vacuum(ctx context.Context, from, to string) (err error) {
	db, err := bare(from, "rw")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, `vacuum into $1`, to); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	return syncFile(to)
}

// Check reads a whole SQLite database and says whether its structure is sound and no reference leads nowhere.
func Check(ctx context.Context, path string) (err error) {
	const op = "check database"
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return contracts.Errorf(contracts.Invalid, op, "%s does not exist", path)
	}
	db, err := bare(path, "ro")
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var verdict string
	if err := db.QueryRowContext(ctx, `pragma integrity_check(1)`).Scan(&verdict); err != nil {
		return contracts.Errorf(contracts.Invalid, op, "%s: %w", path, err)
	}
	if verdict != "ok" {
		return contracts.Errorf(contracts.Invalid, op, "%s: %s", path, verdict)
	}
	var table string
	switch err := db.QueryRowContext(ctx, `select "table" from pragma_foreign_key_check limit 1`).Scan(&table); {
	case err == nil:
		return contracts.Errorf(contracts.Invalid, op, "%s: a row of %s refers to nothing", path, table)
	case !errors.Is(err, sql.ErrNoRows):
		return contracts.Errorf(contracts.Invalid, op, "%s: %w", path, err)
	}
	return nil
}

// bare opens a file as it is: no migration, no change of its journal.
func bare(path, mode string) (*sql.DB, error) {
	q := url.Values{}
	q.Set("mode", mode)
	q.Add("_pragma", "busy_timeout(5000)")
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// replace gives a file that is durable its name, durably.
func replace(next, to string) error {
	if err := os.Rename(next, to); err != nil {
		return err
	}
	return syncFile(filepath.Dir(to))
}

func syncFile(path string) error {
	f, err := os.Open(path) //nolint:gosec // the operator configures where data lie
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
