package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqliteReaders is the size of the reading pool of one process.
const sqliteReaders = 4

func openSQLite(ctx context.Context, cfg Config) (*DB, error) {
	if err := create(cfg.Path); err != nil {
		return nil, err
	}
	write, err := open(cfg.Path, "immediate", "synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := open(cfg.Path, "deferred", "query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(sqliteReaders)
	read.SetMaxIdleConns(sqliteReaders) // a new connection reads the schema and prepares every statement anew
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	d := &DB{write: write, read: read, group: &group{db: write}, clock: &clock{given: cfg.Now}, engine: engine{passing: func(error) bool { return false }}}
	known, err := migrateSQLite(ctx, write, cfg.Migrations)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.trees = []tree{{tables, tablesBook, known}}
	if err := d.Compatible(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// create makes the file readable by its owner only; SQLite gives its write-ahead log the same mode.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator configures where data lie
	if err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return f.Close()
}

func open(path, txlock, pragma string) (*sql.DB, error) {
	q := url.Values{}
	q.Set("_txlock", txlock)
	q.Set("_time_format", "sqlite")
	for _, p := range []string{"journal_mode(WAL)", "foreign_keys(1)", "busy_timeout(5000)", pragma} {
		q.Add("_pragma", p)
	}
	// Opaque is escaped, so that a path with ?, # or % names that file and no other.
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	db, err := openPreparing(dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return db, nil
}

// migrateSQLite applies what is missing and returns the newest migration that this program knows.
func migrateSQLite(ctx context.Context, db *sql.DB, migrations fs.FS) (int64, error) {
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations)
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return 0, fmt.Errorf("apply migrations: %w", err)
	}
	return newest(p), nil
}
