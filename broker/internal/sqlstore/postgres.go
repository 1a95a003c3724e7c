package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/efa-broker/efa-broker/contracts"
)

// The roles in which connections work, those of View in the second.
const (
	ledgerRole = "efa_ledger"
	viewRole   = "efa_view"
)

// Sizes of the pools of one process.
const (
	writers = 10
	readers = 6
	viewers = 8
)

func openPostgres(ctx context.Context, cfg Config) (*DB, error) {
	const op = "open database"
	base, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return nil, contracts.Errorf(contracts.Invalid, op, "%w", err) // pgx hides the password
	}
	base.RuntimeParams["timezone"] = "UTC"
	base.RuntimeParams["lock_timeout"] = "5s" // as long as SQLite waits for its lock
	base.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	if base.RuntimeParams["application_name"] == "" {
		base.RuntimeParams["application_name"] = "efa-broker"
	}
	trees, err := migratePostgres(ctx, base, cfg)
	if err != nil {
		return nil, err
	}
	if cfg.RowSecurity != nil {
		base.RuntimeParams["role"] = ledgerRole
	}
	reading := base.Copy()
	reading.RuntimeParams["default_transaction_read_only"] = "on"
	d := &DB{
		write: pool(base, writers), read: pool(reading, readers), trees: trees,
		engine: engine{
			forUpdate: " for update", forShare: " for share", lock: `select pg_advisory_xact_lock(hashtextextended($1, 0))`,
			snapshot: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, passing: lost,
		},
	}
	d.clock = &clock{given: cfg.Now, db: d.read, machine: cfg.Machine}
	if err := errors.Join(d.durable(ctx), d.clock.start(ctx)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if cfg.RowSecurity != nil { // the ledger; nobody waits for keys, and nobody reads them for a Viewer
		viewing := reading.Copy()
		viewing.RuntimeParams["role"] = viewRole
		d.view = pool(viewing, viewers)
		d.exchange = newExchange(ctx, base, &d.signals)
	}
	return d, nil
}

func pool(cfg *pgx.ConnConfig, size int) *sql.DB {
	db := sql.OpenDB(newConnector(cfg))
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}

var errAsync = errors.New("synchronous_commit is off: an acknowledged event could be lost; turn it on for this database and role")

// durable refuses a database that answers before a commit has reached the disk.
func (d *DB) durable(ctx context.Context) error {
	var mode string
	if err := d.write.QueryRowContext(ctx, `select current_setting('synchronous_commit')`).Scan(&mode); err != nil {
		return contracts.Errorf(contracts.Unavailable, "open database", "%w", err)
	}
	if mode == "off" {
		return contracts.Errorf(contracts.Invalid, "open database", "%w", errAsync)
	}
	return nil
}

// migratePostgres applies what is missing, or refuses it. It works as the log-in itself, which owns the tables; of
// several processes one migrates and the others wait.
func migratePostgres(ctx context.Context, base *pgx.ConnConfig, cfg Config) (trees []tree, err error) {
	settings := base.Copy()
	settings.RuntimeParams["lock_timeout"] = "0"
	db := pool(settings, 2)
	defer func() { err = errors.Join(err, db.Close()) }()
	t, err := migrateTree(ctx, db, tree{name: tables, book: tablesBook}, cfg.Migrations, cfg.Migrated)
	if err != nil {
		return nil, err
	}
	trees = append(trees, t)
	if cfg.RowSecurity == nil {
		return trees, nil
	}
	if t, err = migrateTree(ctx, db, tree{name: policies, book: policiesBook}, cfg.RowSecurity, cfg.Migrated); err != nil {
		return nil, err
	}
	trees = append(trees, t)
	if cfg.Migrated {
		return trees, nil
	}
	if _, err := db.ExecContext(ctx, `select efa_protect()`); err != nil {
		return nil, fmt.Errorf("protect tables: %w", err)
	}
	return trees, nil
}

var errMissing = errors.New("the database lacks migrations of this program; run efabroker migrate first")

func migrateTree(ctx context.Context, db *sql.DB, t tree, migrations fs.FS, migrated bool) (tree, error) {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return t, fmt.Errorf("read migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations, goose.WithTableName(t.book), goose.WithSessionLocker(locker))
	if err != nil {
		return t, fmt.Errorf("read migrations: %w", err)
	}
	t.known = newest(p)
	if migrated {
		err = refuseMissing(ctx, db, t.book, p)
	} else if _, err = p.Up(ctx); err != nil {
		err = fmt.Errorf("apply migrations: %w", err)
	}
	if err != nil {
		return t, err
	}
	return t, t.compatible(ctx, db)
}

// refuseMissing changes nothing, not even by the table that remembers what was applied.
func refuseMissing(ctx context.Context, db *sql.DB, table string, p *goose.Provider) error {
	var begun bool
	if err := db.QueryRowContext(ctx, `select to_regclass($1) is not null`, table).Scan(&begun); err != nil {
		return fmt.Errorf("look for missing migrations: %w", err)
	}
	if begun {
		pending, err := p.HasPending(ctx)
		if err != nil {
			return fmt.Errorf("look for missing migrations: %w", err)
		}
		if !pending {
			return nil
		}
	}
	return contracts.Errorf(contracts.Unavailable, "open database", "%w", errMissing)
}
