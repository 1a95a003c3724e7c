package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

//go:embed migrations/*.sql migrations/postgres/*.sql
var embedded embed.FS

// Migrations are the migrations of the ledger database, one text for both engines.
func Migrations() fs.FS { return renew(sub("migrations")) }

// RowSecurity are the migrations of the ledger database that only PostgreSQL has: roles and row-level policies.
func RowSecurity() fs.FS { return sub("migrations/postgres") }

func sub(dir string) fs.FS {
	found, err := fs.Sub(embedded, dir)
	if err != nil {
		panic(err) // the directory is embedded
	}
	return found
}

// Querier reads: a database or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// DB is an open database.
type DB struct {
	write, read *sql.DB
	view        *sql.DB // reads for a Viewer; nil where row-level policies do not apply
	group       *group  // where writers share a commit
	clock       *clock
	engine      engine
	signals     signals
	exchange    *exchange // nil where no other process uses the database
	trees       []tree
}

// engine is what differs between the databases.
type engine struct {
	// forUpdate and forShare end a select that locks its rows; empty where the writing transaction is the lock.
	forUpdate, forShare string
	// lock waits for a name and holds it to the end of the transaction; empty where the transaction is the lock.
	lock string
	// snapshot is a transaction whose queries all see one state; nil where every transaction is.
	snapshot *sql.TxOptions
	// passing reports whether a transaction that failed with err may succeed when it is run again.
	passing func(err error) bool
}

// Config says where the database lies.
type Config struct {
	// Path is the SQLite file. Set this or URL.
	Path string
	// URL is the PostgreSQL database: a URL or a list of key=value, as libpq takes them.
	URL string
	// Migrations are applied at Open. Defaults to the ledger's.
	Migrations fs.FS
	// RowSecurity are applied after them, on PostgreSQL only; every connection then works in the role efa_ledger or
	// efa_view. Defaults to the ledger's when Migrations is not set.
	RowSecurity fs.FS
	// Migrated refuses a PostgreSQL database that lacks a migration instead of applying it: the program may be one of
	// several, and its log-in need not own the tables.
	Migrated bool
	// Now is the clock, in place of the database's own.
	Now func() time.Time
	// Machine is the clock of this machine, which is compared with PostgreSQL's. Defaults to time.Now.
	Machine func() time.Time
}

// Open opens the database, applies missing migrations and returns it. A database that a newer program has migrated is
// opened only when those migrations say that this one may still run. The caller closes it.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if (cfg.Path == "") == (cfg.URL == "") {
		return nil, contracts.Errorf(contracts.Invalid, "open database", "want the path of a file or the URL of a database")
	}
	if cfg.Migrations == nil {
		cfg.Migrations = Migrations()
		cfg.RowSecurity = RowSecurity()
	}
	if cfg.Machine == nil {
		cfg.Machine = time.Now
	}
	if cfg.URL != "" {
		return openPostgres(ctx, cfg)
	}
	return openSQLite(ctx, cfg)
}

// Close closes all connections.
func (d *DB) Close() error {
	if d.exchange != nil {
		d.exchange.close()
	}
	if d.view != nil {
		return errors.Join(d.view.Close(), d.read.Close(), d.write.Close())
	}
	return errors.Join(d.read.Close(), d.write.Close())
}

// Read is the reading pool; it cannot write. What a Viewer asked for is read in View.
func (d *DB) Read() Querier { return d.read }

// Snapshot reads with several queries what the database holds at one instant.
func (d *DB) Snapshot(ctx context.Context, fn func(q Querier) error) error {
	tx, err := d.read.BeginTx(ctx, d.engine.snapshot)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "begin reading", "%w", err)
	}
	defer tx.Rollback() // it has only read
	return fn(tx)
}

// Now is the database's clock, UTC with microseconds.
func (d *DB) Now() time.Time { return d.clock.now() }

// Steady compares the clocks when the last comparison is too old. Call it before Now where an instant counts that no
// writing transaction takes.
func (d *DB) Steady(ctx context.Context) error { return d.clock.check(ctx) }

// Ping reports whether the database answers, whether this program may still run on it, and whether this machine's clock
// agrees with it.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.read.PingContext(ctx); err != nil {
		return contracts.Errorf(contracts.Unavailable, "ping database", "%w", err)
	}
	if err := d.Compatible(ctx); err != nil {
		return err
	}
	return d.clock.check(ctx)
}

// attempts bounds how often a writing transaction is run that loses against another one.
const attempts = 5

// Write runs fn in one writing transaction and commits it when fn returns nil. What fn registered with AfterCommit
// runs after the commit, in order. An error of fn is returned as it is; nothing of the transaction remains.
//
// Where transactions run side by side, one that loses against another (deadlock, serialization, a row that the other
// one inserted first) is run again from the start, so fn keeps nothing from an earlier run. A commit whose answer was
// lost is not repeated: it is Unavailable, and the caller repeats the whole request, whose ids are the same.
func (d *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	for attempt := 1; ; attempt++ {
		tx, err := d.writeOnce(ctx, fn)
		if err == nil {
			for _, f := range tx.after {
				f()
			}
			return nil
		}
		if attempt == attempts || !d.engine.passing(err) || !pause(ctx, attempt) {
			return err
		}
	}
}

// pause waits a little before another attempt, each time longer; false when ctx has ended.
func pause(ctx context.Context, attempt int) bool {
	limit := time.Duration(attempt) * 5 * time.Millisecond
	timer := time.NewTimer(rand.N(limit)) //nolint:gosec // it only spreads attempts
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (d *DB) writeOnce(ctx context.Context, fn func(tx *Tx) error) (*Tx, error) {
	if err := d.clock.check(ctx); err != nil {
		return nil, err
	}
	if d.group == nil {
		return d.writeAlone(ctx, fn)
	}
	tx := &Tx{db: d}
	return tx, d.group.write(ctx, func(sqlTx *sql.Tx) error {
		tx.on = sqlTx
		return fn(tx)
	})
}

// Tx is a writing transaction. It is the one type that domains share: projectors write into it.
type Tx struct {
	on interface {
		Querier
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	}
	db    *DB
	now   time.Time
	after []func()

	line *line // nil where statements do not wait for others
	kept map[any]any
}

// Keep keeps a value until the transaction ends, so that what is read behind a lock is read once.
func (t *Tx) Keep(key, value any) {
	if t.kept == nil {
		t.kept = map[any]any{}
	}
	t.kept[key] = value
}

// Kept is the value that the transaction keeps under a key; nil when there is none.
func (t *Tx) Kept(key any) any { return t.kept[key] }

// Now is the instant of the transaction: one value for everything written in it, taken when it is first asked for. Lock
// the case before, and on one machine the instants of a case follow its order; those of two replicas may be apart by what
// their measurements are, so order is by sequence alone.
func (t *Tx) Now() time.Time {
	if t.now.IsZero() {
		t.now = t.db.Now()
	}
	return t.now
}

// AfterCommit registers f to run once the transaction is durable. It must not block.
func (t *Tx) AfterCommit(f func()) { t.after = append(t.after, f) }

// ForUpdate ends a select whose rows nobody else may change or lock until this transaction has ended. It is empty where
// the transaction itself is the lock.
func (t *Tx) ForUpdate() string { return t.db.engine.forUpdate }

// ForShare ends a select whose rows nobody else may change until this transaction has ended.
func (t *Tx) ForShare() string { return t.db.engine.forShare }

// Lock waits until no other transaction holds the name, and holds it until this one has ended. It is for what no row
// stands for, as that there is none; where rows exist, lock those.
func (t *Tx) Lock(ctx context.Context, name string) error {
	if t.db.engine.lock == "" {
		return nil
	}
	_, err := t.Exec(ctx, t.db.engine.lock, name)
	return err
}

// Exec runs a statement.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := t.line.flush(ctx); err != nil {
		return nil, err
	}
	res, err := t.on.ExecContext(t.patient(ctx), query, args...)
	if err != nil {
		return nil, fmt.Errorf("execute: %w", err)
	}
	return res, nil
}

// QueryContext runs a query inside the transaction.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := t.line.flushWith(ctx, query, args); err != nil {
		return nil, err
	}
	return t.on.QueryContext(t.patient(ctx), query, args...)
}

// QueryRowContext runs a query for one row inside the transaction.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	_ = t.line.flushWith(ctx, query, args) // its error is what the query is answered with
	return t.on.QueryRowContext(t.patient(ctx), query, args...)
}

// patient lets a statement run to its end where writers share a transaction: SQLite answers the interruption of one
// statement by rolling back all of it.
func (t *Tx) patient(ctx context.Context) context.Context {
	if t.db.group == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}
