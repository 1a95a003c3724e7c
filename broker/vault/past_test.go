package vault_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// pastKeys makes a key store as a program of that version left it, with the keys of b, and opens a vault on it.
func pastKeys(t *testing.T, b *bundle, migrations fs.FS, version int64) *vault.Vault {
	t.Helper()
	dir := t.TempDir()
	cfg := vault.Config{Ledger: b.ledger, Dir: dir}
	place := sqlstore.Config{Path: filepath.Join(dir, vault.KeyFile), Migrations: sqlstoretest.UpTo(t, migrations, version)}
	if sqlstoretest.Postgres() {
		cfg.KeysURL = sqlstoretest.Database(t)
		place.Path, place.URL = "", cfg.KeysURL
	}
	then, err := sqlstore.Open(t.Context(), place)
	fatal(t, err)
	rows, err := sqlstoretest.Raw(t, b.keys).QueryContext(t.Context(), `select id, tenant, wrapped, created_at from keys`)
	fatal(t, err)
	defer rows.Close()
	for rows.Next() {
		var id, tenant string
		var wrapped []byte
		var at any
		fatal(t, rows.Scan(&id, &tenant, &wrapped, &at))
		sqlstoretest.Exec(t, then, `insert into keys (id, tenant, wrapped, created_at) values ($1, $2, $3, $4)`, id, tenant, wrapped, at)
	}
	fatal(t, rows.Err())
	if version >= 2 {
		sqlstoretest.Exec(t, then, `insert into tenant_versions (tenant, version) values ($1, 1)`, munich)
	}
	fatal(t, then.Close())
	fatal(t, os.CopyFS(vault.TenantKeys(dir), os.DirFS(vault.TenantKeys(b.dir+"/vault"))))
	v, err := vault.New(t.Context(), cfg)
	fatal(t, err)
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

func TestAKeyStoreOfEveryEarlierVersionIsMigratedWithItsKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := fact.Values{"register": "commercial"}
	fatal(t, b.StoreFacts(t.Context(), want))
	migrations := os.DirFS("migrations")
	for _, version := range slices.Sorted(maps.Values(sqlstoretest.Numbers(t, migrations))) {
		t.Run(strconv.FormatInt(version, 10), func(t *testing.T) {
			t.Parallel()
			v := pastKeys(t, b, migrations, version)
			if got, err := v.Facts(t.Context(), caseID); err != nil || !maps.Equal(got, want) {
				t.Errorf("opened %v, %v, want %v", got, err, want)
			}
		})
	}
}
