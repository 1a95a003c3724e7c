package sqlstoretest

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// variable names the PostgreSQL cluster of the tests: the URL of a superuser of a cluster that may be thrown away. The
// second one is for key stores, where a program demands that they lie elsewhere.
const (
	variable     = "EFA_POSTGRES"
	keysVariable = "EFA_POSTGRES_KEYS"
)

// Postgres reports whether the tests run on PostgreSQL instead of SQLite.
func Postgres() bool { return os.Getenv(variable) != "" }

// NeedPostgres skips a test of what only PostgreSQL does.
func NeedPostgres(tb testing.TB) {
	tb.Helper()
	if !Postgres() {
		tb.Skip(variable + " names no PostgreSQL cluster; make postgres-tier starts one")
	}
}

// Open opens a new ledger database that lives as long as the test.
func Open(tb testing.TB) *sqlstore.DB {
	tb.Helper()
	return OpenConfig(tb, Place(tb))
}

// OpenAt opens a new ledger database whose clock is now.
func OpenAt(tb testing.TB, now func() time.Time) *sqlstore.DB {
	tb.Helper()
	cfg := Place(tb)
	cfg.Now = now
	return OpenConfig(tb, cfg)
}

// OpenConfig opens a database and closes it at the end of the test.
func OpenConfig(tb testing.TB, cfg sqlstore.Config) *sqlstore.DB {
	tb.Helper()
	db, err := sqlstore.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// Place is where a new ledger database lies: a file, or on PostgreSQL a database that is dropped with the test and to
// which the migrations have been applied, because that takes longest.
func Place(tb testing.TB) sqlstore.Config {
	tb.Helper()
	if !Postgres() {
		return sqlstore.Config{Path: filepath.Join(tb.TempDir(), "ledger.db")}
	}
	name, err := migrated()
	if err != nil {
		tb.Fatal(err)
	}
	return sqlstore.Config{URL: database(tb, os.Getenv(variable), " template "+name)}
}

// Copy copies a database that nobody has open, as a restore to this moment would bring it back.
func Copy(tb testing.TB, place sqlstore.Config) sqlstore.Config {
	tb.Helper()
	if place.URL == "" {
		to := filepath.Join(tb.TempDir(), "ledger.db")
		if err := sqlstore.Copy(tb.Context(), place.Path, to); err != nil {
			tb.Fatal(err)
		}
		place.Path = to
		return place
	}
	u, err := url.Parse(place.URL)
	if err != nil {
		tb.Fatal(err)
	}
	place.URL = database(tb, os.Getenv(variable), " template "+strings.TrimPrefix(u.Path, "/"))
	return place
}

// Database makes an empty PostgreSQL database that is dropped with the test, and returns its URL.
func Database(tb testing.TB) string {
	tb.Helper()
	return database(tb, os.Getenv(variable), "")
}

// KeyDatabase makes an empty PostgreSQL database in the other cluster.
func KeyDatabase(tb testing.TB) string {
	tb.Helper()
	return database(tb, os.Getenv(keysVariable), "")
}

func database(tb testing.TB, cluster, clause string) string {
	tb.Helper()
	NeedPostgres(tb)
	name := newName()
	if err := administer(tb.Context(), cluster, "create database "+name+clause); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := administer(context.WithoutCancel(tb.Context()), cluster, "drop database "+name+" with (force)"); err != nil {
			tb.Error(err)
		}
	})
	return urlOf(cluster, name)
}

// migrated is the name of a database with all migrations. It stays until the cluster is thrown away.
var migrated = sync.OnceValues(func() (string, error) {
	ctx, cluster, name := context.Background(), os.Getenv(variable), newName()
	if err := administer(ctx, cluster, "create database "+name); err != nil {
		return "", err
	}
	db, err := sqlstore.Open(ctx, sqlstore.Config{URL: urlOf(cluster, name)})
	if err != nil {
		return "", err
	}
	return name, db.Close()
})

func newName() string { return "efa_" + strings.ReplaceAll(uuid.NewString(), "-", "") }

func urlOf(cluster, name string) string {
	u, err := url.Parse(cluster)
	if err != nil {
		panic(variable + " is no URL")
	}
	u.Path = "/" + name
	return u.String()
}

func administer(ctx context.Context, cluster, statement string) error {
	conn, err := pgx.Connect(ctx, cluster)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
