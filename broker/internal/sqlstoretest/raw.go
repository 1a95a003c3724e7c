package sqlstoretest

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// Raw opens a database as its administrator does, past everything that sqlstore guards.
func Raw(tb testing.TB, place sqlstore.Config) *sql.DB {
	tb.Helper()
	driver, source := "sqlite", place.Path
	if place.URL != "" {
		driver, source = "pgx", place.URL
	}
	db, err := sql.Open(driver, source)
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

// Stored is everything that a database holds, as it lies on disk: the bytes of its files, or of every row of PostgreSQL.
func Stored(tb testing.TB, place sqlstore.Config) []byte {
	tb.Helper()
	if place.URL != "" {
		return rows(tb, Raw(tb, place))
	}
	files, err := filepath.Glob(place.Path + "*")
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	for _, file := range files {
		raw, err := os.ReadFile(file) //nolint:gosec // a file of the test
		if err != nil {
			tb.Fatal(err)
		}
		out.Write(raw)
	}
	return out.Bytes()
}

// rows writes every row of every table; printable bytes of a bytea stay as they are.
func rows(tb testing.TB, db *sql.DB) []byte {
	tb.Helper()
	var out bytes.Buffer
	for _, table := range column(tb, db, `select quote_ident(relname) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`) {
		for _, row := range column(tb, db, `select t::text from `+table+` t, set_config('bytea_output', 'escape', false)`) {
			out.WriteString(row + "\n")
		}
	}
	return out.Bytes()
}

func column(tb testing.TB, db *sql.DB, query string) (out []string) {
	tb.Helper()
	rows, err := db.QueryContext(tb.Context(), query)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			tb.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return out
}
