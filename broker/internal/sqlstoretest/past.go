package sqlstoretest

import (
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// A file for each migration whose tables or columns a program writes: rows as the program of that version left them. The
// first one is a real move, cut off after 8 events, in the midst of its way.
//
//go:embed past/*.json
var past embed.FS

// PastCase is the case that every past database holds: acknowledged, its task "forward" is in the hands of Nürnberg.
const PastCase = "2bcc1410-9cb9-47fe-bc8f-77447b090136"

// PastEvents is the number of its events, each with its receipt.
const PastEvents = 8

// Versions lists every version of the ledger's tables, ascending; the last one is this program's.
func Versions(tb testing.TB) []int64 {
	tb.Helper()
	return slices.Sorted(maps.Values(Numbers(tb, sqlstore.Migrations())))
}

// Numbers gives the number of each migration of a tree by its file name.
func Numbers(tb testing.TB, migrations fs.FS) map[string]int64 {
	tb.Helper()
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]int64{}
	for _, name := range names {
		if out[name], err = goose.NumericComponent(name); err != nil {
			tb.Fatal(err)
		}
	}
	return out
}

// UpTo keeps the migrations of a tree up to a version.
func UpTo(tb testing.TB, migrations fs.FS, version int64) fstest.MapFS {
	tb.Helper()
	out := fstest.MapFS{}
	for name, number := range Numbers(tb, migrations) {
		if number > version {
			continue
		}
		raw, err := fs.ReadFile(migrations, name)
		if err != nil {
			tb.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: raw}
	}
	return out
}

// Past makes a ledger database as a program of that version left it: its migrations and no later one, and rows in every table.
func Past(tb testing.TB, version int64) sqlstore.Config {
	tb.Helper()
	place := sqlstore.Config{}
	if Postgres() {
		place.URL = Database(tb)
	} else {
		place.Path = tb.TempDir() + "/ledger.db"
	}
	then := place
	then.Migrations = UpTo(tb, sqlstore.Migrations(), version)
	if policies := UpTo(tb, sqlstore.RowSecurity(), version); len(policies) > 0 {
		then.RowSecurity = policies
	}
	db, err := sqlstore.Open(tb.Context(), then)
	if err != nil {
		tb.Fatal(err)
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
	raw := Raw(tb, place)
	for _, r := range pastRows(tb, version) {
		marks := make([]string, len(r.columns))
		for i := range marks {
			marks[i] = fmt.Sprintf("$%d", i+1)
		}
		statement := "insert into " + r.table + " (" + strings.Join(r.columns, ", ") + ") values (" + strings.Join(marks, ", ") + ")" //nolint:gosec // names of this package's own files
		if _, err := raw.ExecContext(tb.Context(), statement, r.values...); err != nil {
			tb.Fatalf("%s: %v", statement, err)
		}
	}
	return place
}

// PastLost lists what a database lacks of the rows that a program of that version left in it, or holds otherwise.
func PastLost(tb testing.TB, place sqlstore.Config, version int64) (lost []string) {
	tb.Helper()
	raw := Raw(tb, place)
	for _, r := range pastRows(tb, version) {
		var conditions []string
		var values []any
		for i, column := range r.columns {
			if r.values[i] == nil {
				conditions = append(conditions, column+" is null")
				continue
			}
			values = append(values, r.values[i])
			conditions = append(conditions, fmt.Sprintf("%s = $%d", column, len(values)))
		}
		var n int
		query := "select count(*) from " + r.table + " where " + strings.Join(conditions, " and ")
		if err := raw.QueryRowContext(tb.Context(), query, values...).Scan(&n); err != nil {
			tb.Fatalf("%s: %v", query, err)
		}
		if n != 1 {
			lost = append(lost, fmt.Sprintf("%d rows of %s with %v", n, r.table, values))
		}
	}
	return lost
}

// pastRow is one row of the past.
type pastRow struct {
	table   string
	columns []string
	values  []any
}

func pastRows(tb testing.TB, version int64) (out []pastRow) {
	tb.Helper()
	for v := range version {
		raw, err := past.ReadFile(fmt.Sprintf("past/%04d.json", v+1))
		if err != nil {
			continue // a migration that brought nothing to write
		}
		var parts []struct {
			Table string
			Rows  []map[string]any
		}
		if err := json.Unmarshal(raw, &parts); err != nil {
			tb.Fatal(err)
		}
		for _, part := range parts {
			for _, row := range part.Rows {
				r := pastRow{table: part.Table, columns: slices.Sorted(maps.Keys(row))}
				for _, column := range r.columns {
					r.values = append(r.values, pastValue(tb, row[column]))
				}
				out = append(out, r)
			}
		}
	}
	return out
}

// pastValue turns what JSON can say into what a database holds: bytes are {"hex": …}, numbers are whole.
func pastValue(tb testing.TB, v any) any {
	tb.Helper()
	switch v := v.(type) {
	case float64:
		return int64(v)
	case map[string]any:
		text, _ := v["hex"].(string)
		raw, err := hex.DecodeString(text)
		if err != nil {
			tb.Fatal(err)
		}
		return raw
	}
	return v
}
