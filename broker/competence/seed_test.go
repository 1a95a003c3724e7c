package competence

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/data"
	"github.com/efa-broker/efa-broker/contracts/region"
	"github.com/efa-broker/efa-broker/contracts/service"
)

const (
	muenchen     = "091620000000"
	registration = "99050012104000"

	tenantsHead     = "id,name\n"
	authoritiesHead = "id,tenant,kind,name_de,region,roles,waived,mark\n"
)

func setup(t *testing.T) (*Competence, *sqlstore.DB) {
	t.Helper()
	register, err := region.Load()
	if err != nil {
		t.Fatal(err)
	}
	packages, err := service.Load()
	if err != nil {
		t.Fatal(err)
	}
	db := sqlstoretest.Open(t)
	return New(Config{DB: db, Register: register, Packages: packages}), db
}

// dump lists every row of the three tables.
func dump(t *testing.T, db *sqlstore.DB) []string {
	t.Helper()
	var out []string
	for _, query := range []string{
		`select id || operator || name from tenants order by 1`,
		`select id || operator || tenant || kind || name || region || roles || waived || mark from authorities order by 1`,
		`select operator || service || region || role || authority || begins || case when ends is null then 'open' else 'ended' end from competences order by 1`,
	} {
		out = append(out, lines(t, db, query)...)
	}
	return out
}

func lines(t *testing.T, db *sqlstore.DB, query string) []string {
	t.Helper()
	rows, err := db.Read().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func files(tenants, authorities string) fs.FS {
	return fstest.MapFS{
		"tenants.csv":     {Data: []byte(tenantsHead + tenants)},
		"authorities.csv": {Data: []byte(authoritiesHead + authorities)},
	}
}

func TestASecondSeedChangesNothing(t *testing.T) {
	t.Parallel()
	c, db := setup(t)
	if err := c.Seed(t.Context(), "bayern"); err != nil {
		t.Fatal(err)
	}
	first := dump(t, db)
	if len(first) != 11+26+27 { // each office has one role, the trade offices two, the building authority none
		t.Errorf("got %d rows", len(first))
	}
	if err := c.Seed(t.Context(), "bayern"); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, dump(t, db)); d != "" {
		t.Error(d)
	}
}

func TestEveryNameOfTheEmbeddedRegisterIsMarked(t *testing.T) {
	t.Parallel()
	c, _ := setup(t)
	r, err := c.readRegister(data.Files, "bayern")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range r.authorities {
		// The law itself names these three; for all others no source was at hand.
		named := a.ID == "arbeitsagentur" || a.ID == "dguv" || a.ID == "knappschaft-bahn-see"
		if (a.Mark == "verified") != named {
			t.Errorf("%s is marked %s", a.ID, a.Mark)
		}
	}
}

func TestWhatTheFileNoLongerNamesEndsAndWhatChangesIsTakenOver(t *testing.T) {
	t.Parallel()
	c, db := setup(t)
	before := files("muenchen,München\n", "office,muenchen,trade_office,Amt,091620000000,lead previous,false,unverified\n")
	after := files("muenchen,Stadt München\n", "office,muenchen,trade_office,Gewerbeamt,09162,lead,true,verified\n")
	for _, f := range []fs.FS{before, after} {
		if err := c.seed(t.Context(), f, "bayern"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Authority(t.Context(), "office")
	if err != nil || got.Name != "Gewerbeamt" || !got.Waived || got.Mark != "verified" || got.Region != "09162" {
		t.Errorf("got %+v, %v", got, err)
	}
	if a, err := c.Resolve(t.Context(), "bayern", registration, muenchen, authority.Lead); err != nil || a.ID != "office" {
		t.Errorf("lead: got %+v, %v", a, err)
	}
	if _, err := c.Resolve(t.Context(), "bayern", registration, muenchen, authority.Previous); contracts.KindOf(err) != contracts.NotCompetent || err == nil {
		t.Errorf("previous: got %v", err)
	}
	ended := 0
	for _, line := range dump(t, db) {
		if strings.HasPrefix(line, "bayern99050012000000") && !strings.HasSuffix(line, "open") {
			ended++
		}
	}
	if ended != 2 {
		t.Errorf("%d competences have ended", ended)
	}
	if err := c.seed(t.Context(), before, "bayern"); err != nil {
		t.Fatal(err)
	}
	if a, err := c.Resolve(t.Context(), "bayern", registration, muenchen, authority.Previous); err != nil || a.ID != "office" {
		t.Errorf("named again: got %+v, %v", a, err)
	}
}

func TestAnAuthorityThatTheFileDoesNotNameStays(t *testing.T) {
	t.Parallel()
	c, _ := setup(t)
	if err := c.seed(t.Context(), files("a-city,A\n", "office-a,a-city,trade_office,A,091620000000,lead,false,unverified\n"), "bayern"); err != nil {
		t.Fatal(err)
	}
	if err := c.seed(t.Context(), files("b-city,B\n", "office-b,b-city,trade_office,B,095640000000,lead,false,unverified\n"), "bayern"); err != nil {
		t.Fatal(err)
	}
	if a, err := c.Resolve(t.Context(), "bayern", registration, muenchen, authority.Lead); err != nil || a.ID != "office-a" {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestARegisterWithFaultsIsRefusedWhole(t *testing.T) {
	t.Parallel()
	const tenants = "muenchen,München\n"
	const good = "office,muenchen,trade_office,Amt,091620000000,lead,false,unverified\n"
	x, db := setup(t)
	for name, c := range map[string]struct {
		tenants, authorities, want string
	}{
		"tenant without name":  {"muenchen,\n", good, `tenant "muenchen"`},
		"tenant twice":         {tenants + tenants, good, `tenant "muenchen"`},
		"tenant without id":    {tenants + ",x\n", good, `tenant ""`},
		"unknown tenant":       {tenants, "office,bonn,trade_office,Amt,091620000000,lead,false,unverified\n", `"bonn" is not listed`},
		"bad id":               {tenants, "Office,muenchen,trade_office,Amt,091620000000,lead,false,unverified\n", "authority id"},
		"id twice":             {tenants, good + good, "listed twice"},
		"no kind":              {tenants, "office,muenchen,,Amt,091620000000,lead,false,unverified\n", "kind and name"},
		"no name":              {tenants, "office,muenchen,trade_office,,091620000000,lead,false,unverified\n", "kind and name"},
		"unknown region":       {tenants, "office,muenchen,trade_office,Amt,091629999999,lead,false,unverified\n", "region"},
		"AGS as region":        {tenants, "office,muenchen,trade_office,Amt,09162000,lead,false,unverified\n", "region"},
		"unknown role":         {tenants, "office,muenchen,trade_office,Amt,091620000000,mayor,false,unverified\n", "role mayor"},
		"role of another kind": {tenants, "office,muenchen,customs,Amt,091620000000,lead,false,unverified\n", "role lead"},
		"role twice":           {tenants, "office,muenchen,trade_office,Amt,091620000000,lead lead,false,unverified\n", "stands twice"},
		"waived in words":      {tenants, "office,muenchen,trade_office,Amt,091620000000,lead,maybe,unverified\n", "waived"},
		"unknown mark":         {tenants, "office,muenchen,trade_office,Amt,091620000000,lead,false,sure\n", "mark"},
		"two for one role":     {tenants, good + "other,muenchen,trade_office,Amt,091620000000,lead,false,unverified\n", "both office and other"},
		"missing column":       {tenants, "office,muenchen\n", "wrong number of fields"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := x.seed(t.Context(), files(c.tenants, c.authorities), "bayern")
			if err == nil || contracts.KindOf(err) != contracts.Invalid || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if rows := dump(t, db); len(rows) != 0 {
				t.Errorf("rows were written: %v", rows)
			}
		})
	}
}

func TestFilesWithAnotherHeaderOrMissingAreRefused(t *testing.T) {
	t.Parallel()
	c, _ := setup(t)
	for name, f := range map[string]fstest.MapFS{
		"nothing":      {},
		"empty":        {"tenants.csv": {}, "authorities.csv": {}},
		"other column": {"tenants.csv": {Data: []byte("id,title\n")}, "authorities.csv": {Data: []byte(authoritiesHead)}},
		"one only":     {"tenants.csv": {Data: []byte(tenantsHead)}},
	} {
		if err := c.seed(t.Context(), f, "bayern"); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func TestAnIDOfAnotherOperatorIsNotTakenOver(t *testing.T) {
	t.Parallel()
	for _, foreign := range []string{
		`insert into tenants (id, operator, name) values ('muenchen', 'hessen', 'Fremd')`,
		`insert into authorities (id, operator, tenant, kind, name, region, roles, waived, mark)
			values ('zoll', 'hessen', 'fremd', 'customs', 'Fremd', '06', '[]', false, 'unverified')`,
	} {
		t.Run(foreign[:20], func(t *testing.T) {
			t.Parallel()
			c, db := setup(t)
			sqlstoretest.Exec(t, db, `insert into tenants (id, operator, name) values ('fremd', 'hessen', 'Fremd')`)
			sqlstoretest.Exec(t, db, foreign)
			before := dump(t, db)
			err := c.Seed(t.Context(), "bayern")
			if err == nil || contracts.KindOf(err) != contracts.Conflict {
				t.Fatalf("got %v", err)
			}
			if d := cmp.Diff(before, dump(t, db)); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	register, err := region.Load()
	if err != nil {
		b.Fatal(err)
	}
	packages, err := service.Load()
	if err != nil {
		b.Fatal(err)
	}
	c := New(Config{DB: sqlstoretest.Open(b), Register: register, Packages: packages})
	if err := c.Seed(b.Context(), "bayern"); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := c.Resolve(b.Context(), "bayern", registration, muenchen, authority.Lead); err != nil {
			b.Fatal(err)
		}
	}
}

// Another Land replaces the two files and names itself as operator: nothing of the first one's is left.
func TestTheRegisterOfAnotherLandIsItsOwn(t *testing.T) {
	t.Parallel()
	c, _ := setup(t)
	err := c.seed(t.Context(), files("frankfurt,Stadt Frankfurt am Main\n",
		"gewerbeamt-frankfurt,frankfurt,trade_office,Gewerbeamt,064120000000,lead previous,false,unverified\n"), "hessen")
	if err != nil {
		t.Fatal(err)
	}
	own, err := c.Authorities(t.Context(), "hessen")
	if err != nil || len(own) != 1 || own[0].ID != "gewerbeamt-frankfurt" || own[0].Operator != "hessen" || own[0].Tenant != "frankfurt" {
		t.Errorf("got %+v, %v", own, err)
	}
	if other, err := c.Authorities(t.Context(), "bayern"); err != nil || len(other) != 0 {
		t.Errorf("of another operator: %+v, %v", other, err)
	}
}
