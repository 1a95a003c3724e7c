package sqlstore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
)

var update = flag.Bool("update", false, "add new migrations to testdata/migrations.sums")

// trees are all migrations of the product. What the file of a tree with a number from "from" on does not say about programs
// that do not know it is a fault.
func trees() map[string]struct {
	files fs.FS
	name  string
	from  int64
} {
	return map[string]struct {
		files fs.FS
		name  string
		from  int64
	}{
		"broker/internal/sqlstore/migrations":          {sqlstore.Migrations(), "tables", 6},
		"broker/internal/sqlstore/migrations/postgres": {sqlstore.RowSecurity(), "policies", 6},
		"broker/vault/migrations":                      {os.DirFS("../../vault/migrations"), "tables", 3},
	}
}

func read(t *testing.T, files fs.FS, name string) []byte {
	t.Helper()
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAMigrationIsNeverChanged(t *testing.T) {
	t.Parallel()
	const golden = "testdata/migrations.sums"
	raw, err := os.ReadFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		sum, file, _ := strings.Cut(strings.TrimSpace(line), "  ")
		want[file] = sum
	}
	seen := map[string]bool{}
	for dir, tree := range trees() {
		for name := range sqlstoretest.Numbers(t, tree.files) {
			file, sum := dir+"/"+name, sha256.Sum256(read(t, tree.files, name))
			seen[file] = true
			switch got := hex.EncodeToString(sum[:]); {
			case want[file] == "" && *update:
				want[file] = got
			case want[file] == "":
				t.Errorf("%s is new: run go test ./broker/internal/sqlstore -run %s -update", file, t.Name())
			case want[file] != got:
				t.Errorf("%s was changed. Databases have it already: take the change back and write a new migration", file)
			}
		}
	}
	for file := range want {
		if !seen[file] {
			t.Errorf("%s is gone. Databases have it already", file)
		}
	}
	if *update {
		var out bytes.Buffer
		for _, file := range slices.Sorted(maps.Keys(want)) {
			fmt.Fprintf(&out, "%s  %s\n", want[file], file)
		}
		if err := os.WriteFile(golden, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMigrationsOnlyGoForward(t *testing.T) {
	t.Parallel()
	for dir, tree := range trees() {
		for name := range sqlstoretest.Numbers(t, tree.files) {
			if bytes.Contains(read(t, tree.files, name), []byte("+goose Down")) {
				t.Errorf("%s/%s has a way back; whoever goes back to an older program leaves the database as it is", dir, name)
			}
		}
	}
}

func TestEachMigrationSaysWhichProgramsMayStillRun(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile(`insert into schema_compatibility \(tree, version, oldest\) values \('(\w+)', (\d+), (\d+)\);`)
	for dir, tree := range trees() {
		for name, number := range sqlstoretest.Numbers(t, tree.files) {
			said := row.FindAllSubmatch(read(t, tree.files, name), -1)
			if number < tree.from {
				if len(said) > 0 {
					t.Errorf("%s/%s writes a table that did not exist", dir, name)
				}
				continue
			}
			if len(said) != 1 || string(said[0][1]) != tree.name || string(said[0][2]) != strconv.FormatInt(number, 10) {
				t.Errorf("%s/%s says %q, want one row of its own number", dir, name, said)
				continue
			}
			var oldest int64
			if _, err := fmt.Sscan(string(said[0][3]), &oldest); err != nil || oldest > number {
				t.Errorf("%s/%s: oldest is %d, %v", dir, name, oldest, err)
			}
		}
	}
}

func TestADatabaseOfEveryEarlierVersionIsMigratedWithItsRows(t *testing.T) {
	t.Parallel()
	for _, version := range sqlstoretest.Versions(t) {
		t.Run(strconv.FormatInt(version, 10), func(t *testing.T) {
			t.Parallel()
			place := sqlstoretest.Past(t, version)
			db := sqlstoretest.OpenConfig(t, place)
			if lost := sqlstoretest.PastLost(t, place, version); len(lost) > 0 {
				t.Errorf("lost: %s", strings.Join(lost, "\n"))
			}
			var held int64
			if err := db.Read().QueryRowContext(t.Context(), `select max(version_id) from goose_db_version`).Scan(&held); err != nil || held != sqlstore.Version() {
				t.Errorf("the database is at version %d, want %d; %v", held, sqlstore.Version(), err)
			}
			if err := db.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestARowOfThePastThatIsLostIsNoticed(t *testing.T) {
	t.Parallel()
	place := sqlstoretest.Past(t, sqlstore.Version())
	raw := sqlstoretest.Raw(t, place)
	for _, loss := range []string{`update tasks set purpose = '' where step = 'forward'`, `delete from watermarks`, `update outbox set published_at = null where case_seq = 1`} {
		if _, err := raw.ExecContext(t.Context(), loss); err != nil {
			t.Fatal(err)
		}
	}
	if lost := sqlstoretest.PastLost(t, place, sqlstore.Version()); len(lost) != 3 {
		t.Errorf("noticed %q", lost)
	}
}

// later is the tree of a program that is newer by one migration.
func later(t *testing.T, body string) fstest.MapFS {
	t.Helper()
	files := sqlstoretest.UpTo(t, sqlstore.Migrations(), sqlstore.Version())
	files[fmt.Sprintf("%04d_later.sql", sqlstore.Version()+1)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + body)}
	return files
}

// newer migrates a database as a program that is newer by one migration.
func newer(t *testing.T, place sqlstore.Config, body string) {
	t.Helper()
	place.Migrations, place.RowSecurity = later(t, body), sqlstore.RowSecurity()
	db, err := sqlstore.Open(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAProgramRunsOnANewerDatabaseOnlyWhenItSaysSo(t *testing.T) {
	t.Parallel()
	known := sqlstore.Version()
	const column = `alter table tasks add column later text not null default '';`
	permit := func(oldest int64) string {
		return fmt.Sprintf(`%s insert into schema_compatibility (tree, version, oldest) values ('tables', %d, %d);`, column, known+1, oldest)
	}
	for name, c := range map[string]struct{ body, refusal string }{
		"expanded":      {permit(known), ""},
		"contracted":    {permit(known + 1), fmt.Sprintf("version %d, this program knows %d; start a program that knows version %d", known+1, known, known+1)},
		"says nothing":  {column, fmt.Sprintf("start a program that knows version %d", known+1)},
		"another tree":  {strings.Replace(permit(known), "'tables'", "'policies'", 1), "too old to run on it"},
		"older is fine": {permit(known - 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			place := sqlstoretest.Past(t, known)
			newer(t, place, c.body)
			for _, migrated := range []bool{false, true} { // efabroker migrate, efabroker serve
				place.Migrated = migrated
				db, err := sqlstore.Open(t.Context(), place)
				if err == nil {
					t.Cleanup(func() { _ = db.Close() })
				}
				if c.refusal != "" {
					if contracts.KindOf(err) != contracts.Unavailable || !strings.Contains(err.Error(), c.refusal) {
						t.Errorf("migrated %v: %v, want a refusal with %q", migrated, err, c.refusal)
					}
					continue
				}
				if err != nil {
					t.Fatalf("migrated %v: %v", migrated, err)
				}
				sqlstoretest.Exec(t, db, `insert into tenants (id, operator, name) values ($1, 'bayern', '')`, strconv.FormatBool(migrated))
			}
			if lost := sqlstoretest.PastLost(t, place, known); len(lost) > 0 {
				t.Errorf("lost: %s", strings.Join(lost, "\n"))
			}
		})
	}
}

func TestAProgramIsNotReadyOnceItsDatabaseWasContracted(t *testing.T) {
	t.Parallel()
	place := sqlstoretest.Past(t, sqlstore.Version())
	db := sqlstoretest.OpenConfig(t, place)
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	newer(t, place, fmt.Sprintf(`insert into schema_compatibility (tree, version, oldest) values ('tables', %[1]d, %[1]d);`, sqlstore.Version()+1))
	if err := db.Ping(context.WithoutCancel(t.Context())); contracts.KindOf(err) != contracts.Unavailable || !strings.Contains(err.Error(), "too old to run on it") {
		t.Errorf("ready: %v", err)
	}
}
