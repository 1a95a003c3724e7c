package localtemporal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/schema"
	postgresschema "go.temporal.io/server/schema/postgresql/v12"

	"github.com/efa-broker/efa-broker/contracts"
)

// PostgreSQL names the databases of a server that keeps its data there. They are made with their schema when they are
// missing; the user then needs the right to create databases.
type PostgreSQL struct {
	// Address is the cluster's, "host:port", or the directory of its Unix socket with an absolute path.
	Address string
	// User and Password authenticate.
	User, Password string
	// Database keeps histories, timers and task queues. Defaults to "temporal".
	Database string
	// Visibility keeps what operators list. Defaults to "temporal_visibility".
	Visibility string
}

const (
	postgresConns    = 20
	postgresLifetime = time.Hour
	// postgresShards is fixed in the database at the first start.
	postgresShards = 16
	// socketPlace stands where the server wants an address and a socket is used.
	socketPlace = "localhost:5432"
	// administration is the database that every cluster has.
	administration = "postgres"
	// postgresLock is the key of the advisory lock in Database; "tmprl" in ASCII.
	postgresLock = 0x746d70726c
)

func (p PostgreSQL) withDefaults() PostgreSQL {
	if p.Database == "" {
		p.Database = defaultMainDatabase
	}
	if p.Visibility == "" {
		p.Visibility = defaultListDatabase
	}
	return p
}

// local reports whether the address is a directory with a socket.
func (p PostgreSQL) local() bool { return filepath.IsAbs(p.Address) }

// store is the datastore of one database for the server. A socket's directory is an attribute that goes before the
// address, which must not be empty.
func (p PostgreSQL) store(database string) *config.SQL {
	s := &config.SQL{
		PluginName: postgresql.PluginNamePGX, DatabaseName: database, ConnectAddr: p.Address, ConnectProtocol: "tcp",
		User: p.User, Password: p.Password,
		MaxConns: postgresConns, MaxIdleConns: postgresConns, MaxConnLifetime: postgresLifetime,
	}
	if p.local() {
		s.ConnectAddr, s.ConnectAttributes = socketPlace, map[string]string{"host": p.Address}
	}
	return s
}

// open returns a pool of one connection: statements keep their order, and a lock its session. Without arguments a call
// may hold several statements.
func (p PostgreSQL) open(database string) (*sql.DB, error) {
	q := url.Values{"sslmode": {"disable"}, "default_query_exec_mode": {"simple_protocol"}}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(p.User, p.Password), Host: p.Address, Path: "/" + database}
	if p.local() {
		u.Host = ""
		q.Set("host", p.Address)
	}
	u.RawQuery = q.Encode()
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// prepare makes databases and schemas and takes the first database for this process; closing what it returns gives it
// back. PostgreSQL gives it back, too, when the process dies.
func (p PostgreSQL) prepare(ctx context.Context) (lock *sql.DB, err error) {
	const op = "prepare databases of process engine"
	if _, _, err := net.SplitHostPort(p.Address); err != nil && !p.local() || p.User == "" || p.Database == p.Visibility {
		return nil, contracts.Errorf(contracts.Invalid, op, "want an address host:port or an absolute path, a user and two databases with different names")
	}
	for _, database := range []string{p.Database, p.Visibility} {
		if err := p.createDatabase(ctx, database); err != nil {
			return nil, contracts.Errorf(contracts.Unavailable, op, "%s: %w", database, err)
		}
	}
	if lock, err = p.take(ctx); err != nil {
		return nil, err
	}
	for _, s := range []struct{ database, folder, version string }{
		{p.Database, "temporal", postgresschema.Version},
		{p.Visibility, "visibility", postgresschema.VisibilityVersion},
	} {
		if err := p.ensureSchema(ctx, s.database, s.folder, s.version); err != nil {
			return nil, errors.Join(&contracts.Error{Kind: contracts.KindOf(err), Op: op, Err: fmt.Errorf("%s: %w", s.database, err)}, lock.Close())
		}
	}
	return lock, nil
}

func (p PostgreSQL) createDatabase(ctx context.Context, database string) (err error) {
	db, err := p.open(administration)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var command sql.NullString
	err = db.QueryRowContext(ctx, `select max(format('create database %I', $1::text))
		where not exists (select from pg_database where datname = $1)`, database).Scan(&command)
	if err != nil || !command.Valid {
		return err
	}
	_, err = db.ExecContext(ctx, command.String)
	return err
}

func (p PostgreSQL) take(ctx context.Context) (*sql.DB, error) {
	const op = "lock databases of process engine"
	db, err := p.open(p.Database)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	var taken bool
	err = db.QueryRowContext(ctx, `select pg_try_advisory_lock($1)`, postgresLock).Scan(&taken)
	switch {
	case err != nil:
		return nil, errors.Join(contracts.Errorf(contracts.Unavailable, op, "%w", err), db.Close())
	case !taken:
		return nil, errors.Join(contracts.Errorf(contracts.Conflict, op, "%s at %s is in use by another process", p.Database, p.Address), db.Close())
	}
	return db, nil
}

// ensureSchema writes the schema into an empty database, or refuses that of another version.
func (p PostgreSQL) ensureSchema(ctx context.Context, database, folder, want string) (err error) {
	db, err := p.open(database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var present bool
	if err := db.QueryRowContext(ctx, `select to_regclass('public.schema_version') is not null`).Scan(&present); err != nil {
		return contracts.Errorf(contracts.Unavailable, "read version of schema", "%w", err)
	}
	if !present {
		return writePostgresSchema(ctx, db, database, folder, want)
	}
	var version string
	err = db.QueryRowContext(ctx, `select curr_version from public.schema_version where db_name = $1`, database).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		version, err = "unknown", nil
	}
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "read version of schema", "%w", err)
	}
	if version != want {
		return contracts.Errorf(contracts.Conflict, "check version of schema",
			"the schema is %s, this program needs %s: bring it there with temporal-sql-tool update-schema", version, want)
	}
	return nil
}

// writePostgresSchema writes schema and version in one transaction: both are there, or none.
func writePostgresSchema(ctx context.Context, db *sql.DB, database, folder, version string) (err error) {
	const op = "write schema"
	text, err := fs.ReadFile(schema.Assets(), "postgresql/v12/"+folder+"/schema.sql")
	if err != nil {
		return contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, string(text)+versionTables); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	_, err = tx.ExecContext(ctx, `insert into schema_version (version_partition, db_name, creation_time, curr_version, min_compatible_version)
		values (0, $1, now() at time zone 'UTC', $2, $2)`, database, version)
	if err = errors.Join(err, tx.Commit()); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return nil
}

// versionTables are those that temporal-sql-tool makes, so that it can update the schema later.
const versionTables = `
create table schema_version (version_partition int not null, db_name varchar(255) not null, creation_time timestamp,
	curr_version varchar(64), min_compatible_version varchar(64), primary key (version_partition, db_name));
create table schema_update_history (version_partition int not null, year int not null, month int not null,
	update_time timestamp not null, description varchar(255), manifest_md5 varchar(64), new_version varchar(64),
	old_version varchar(64), primary key (version_partition, year, month, update_time));
`
