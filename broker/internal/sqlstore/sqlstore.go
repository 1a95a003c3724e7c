package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/efa-broker/efa-broker/contracts"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migrations are the migrations of the ledger database.
func Migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return sub
}

// Querier reads: a database or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// DB is an open database.
type DB struct {
	write, read *sql.DB
	now         func() time.Time
}

// Config says where the database lies.
type Config struct {
	// Path is the SQLite file.
	Path string
	// Migrations are applied at Open. Defaults to the ledger's.
	Migrations fs.FS
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Open opens the file, applies missing migrations and returns the database. The caller closes it.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Migrations == nil {
		cfg.Migrations = Migrations()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
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
	read.SetMaxOpenConns(4)
	d := &DB{write: write, read: read, now: cfg.Now}
	if err := d.migrate(ctx, cfg.Migrations); err != nil {
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
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return db, nil
}

func (d *DB) migrate(ctx context.Context, migrations fs.FS) error {
	p, err := goose.NewProvider(goose.DialectSQLite3, d.write, migrations)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("apply migrations: %w", err)
	}
	return nil
}

// Close closes both pools.
func (d *DB) Close() error { return errors.Join(d.read.Close(), d.write.Close()) }

// Read is the reading pool; it cannot write.
func (d *DB) Read() Querier { return d.read }

// Now is the database's clock, UTC with microseconds.
func (d *DB) Now() time.Time { return d.now().UTC().Truncate(time.Microsecond) }

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.read.PingContext(ctx); err != nil {
		return contracts.Errorf(contracts.Unavailable, "ping database", "%w", err)
	}
	return nil
}

// Write runs fn in one writing transaction and commits it when fn returns nil. What fn registered with AfterCommit
// runs after the commit, in order. An error of fn is returned as it is; nothing of the transaction remains.
func (d *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	sqlTx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "begin transaction", "%w", err)
	}
	tx := &Tx{tx: sqlTx, now: d.Now()}
	returned := false
	defer func() {
		if !returned {
			_ = sqlTx.Rollback() // fn panicked; the one writing connection must not stay in its transaction
		}
	}()
	err = fn(tx)
	returned = true
	if err != nil {
		if rb := sqlTx.Rollback(); rb != nil && !errors.Is(rb, sql.ErrTxDone) {
			return errors.Join(transient(err), fmt.Errorf("roll back: %w", rb))
		}
		return transient(err)
	}
	if err := sqlTx.Commit(); err != nil {
		return contracts.Errorf(contracts.Unavailable, "commit transaction", "%w", err)
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// transient says of a fault of the disk, or of a lock, that it may pass; every other error stays as it is.
func transient(err error) error {
	fault, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch fault.Code() & 0xff { // the upper bits tell more of the same
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN:
		return contracts.Errorf(contracts.Unavailable, "write database", "%w", err)
	}
	return err
}

// Tx is a writing transaction. It is the one type that domains share: projectors write into it.
type Tx struct {
	tx    *sql.Tx
	now   time.Time
	after []func()
}

// Now is the instant of the transaction: one value for everything written in it.
func (t *Tx) Now() time.Time { return t.now }

// AfterCommit registers f to run once the transaction is durable. It must not block.
func (t *Tx) AfterCommit(f func()) { t.after = append(t.after, f) }

// Exec runs a statement.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	res, err := t.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("execute: %w", err)
	}
	return res, nil
}

// QueryContext runs a query inside the transaction.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, query, args...)
}

// QueryRowContext runs a query for one row inside the transaction.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(ctx, query, args...)
}
