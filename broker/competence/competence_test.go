package competence_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/competence"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/contractstest"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/region"
	"github.com/efa-broker/efa-broker/contracts/service"
)

const (
	registration   key.ServiceKey = "99050012104000"
	deregistration key.ServiceKey = "99050012070000"

	muenchen  key.RegionKey = "091620000000"
	nuernberg key.RegionKey = "095640000000"
)

// access lets everybody look but the engine, as a closed list of roles.
type access struct{ asked []decision.AccessInput }

func (a *access) Allow(_ context.Context, in decision.AccessInput) (bool, error) {
	a.asked = append(a.asked, in)
	return in.Relation == decision.Collection && in.Role != actor.Engine, nil
}

type world struct {
	*competence.Competence
	db     *sqlstore.DB
	access *access
}

func setup(t *testing.T) world {
	t.Helper()
	register, err := region.Load()
	if err != nil {
		t.Fatal(err)
	}
	packages, err := service.Load()
	if err != nil {
		t.Fatal(err)
	}
	w := world{db: sqlstoretest.Open(t), access: &access{}}
	w.Competence = competence.New(competence.Config{DB: w.db, Access: w.access, Register: register, Packages: packages})
	return w
}

func seeded(t *testing.T) world {
	t.Helper()
	w := setup(t)
	if err := w.Seed(t.Context(), contractstest.Operator); err != nil {
		t.Fatal(err)
	}
	return w
}

// The demo's case: who is told on each side, when the row's condition holds for a German trader in the commercial
// register who moves completely, without indications of a violation.
func TestBothSidesOfTheMoveHaveTheirRecipients(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	book, err := law.Load()
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]any{
		"not_waived": true, "indications_of_violation": false, "register_entry": true, "foreign_trader": false, "full_move": true,
	}
	recipients := func(s key.ServiceKey, at key.RegionKey) []authority.ID {
		var out []authority.ID
		for _, row := range book.AllRows() {
			if row.Service != s || row.Role == authority.Lead || row.Role == authority.Previous || !holds(row, facts) {
				continue
			}
			a, err := w.Resolve(t.Context(), contractstest.Operator, s, at, row.Role)
			if err != nil {
				t.Errorf("%s in %s: %v", row.Role, at, err)
			}
			if a.Kind != row.Kind || a.Waived {
				t.Errorf("%s in %s: got %+v", row.Role, at, a)
			}
			out = append(out, a.ID)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	want := []authority.ID{
		"arbeitsagentur", "dguv", "eichamt-bayern", "erlaubnis-muenchen", "finanzamt-muenchen", "gewerbeaufsicht-muenchen",
		"hwk-muenchen", "ihk-muenchen", "immissionsschutz-muenchen", "knappschaft-bahn-see", "lebensmittel-muenchen", "statistik-bayern",
	}
	if d := cmp.Diff(want, recipients(registration, muenchen)); d != "" {
		t.Errorf("München: %s", d)
	}
	want = []authority.ID{
		"arbeitsagentur", "dguv", "eichamt-bayern", "erlaubnis-nuernberg", "finanzamt-nuernberg", "gewerbeaufsicht-nuernberg",
		"hwk-nuernberg", "ihk-nuernberg", "immissionsschutz-nuernberg", "knappschaft-bahn-see", "lebensmittel-nuernberg",
		"registergericht-nuernberg", "statistik-bayern",
	}
	if d := cmp.Diff(want, recipients(deregistration, nuernberg)); d != "" {
		t.Errorf("Nürnberg: %s", d)
	}
}

func holds(row law.Row, facts map[string]any) bool {
	for name, want := range row.Conditions {
		if facts[name] != want {
			return false
		}
	}
	return true
}

func TestTradeOfficesLeadInTheirCity(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	for at, want := range map[key.RegionKey]authority.ID{muenchen: "gewerbeamt-muenchen", nuernberg: "gewerbeamt-nuernberg"} {
		for _, role := range []authority.Role{authority.Lead, authority.Previous} {
			a, err := w.Resolve(t.Context(), contractstest.Operator, registration, at, role)
			if err != nil || a.ID != want || a.Operator != contractstest.Operator {
				t.Errorf("%s in %s: got %+v, %v", role, at, a, err)
			}
		}
	}
}

// Features RT-01: an unknown pair answers "no route", never a default office.
func TestAnUnknownPairHasNoRoute(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	for name, c := range map[string]struct {
		operator authority.OperatorID
		service  key.ServiceKey
		region   key.RegionKey
		role     authority.Role
	}{
		"other city":       {contractstest.Operator, registration, "097610000000", authority.Lead},
		"city of the Land": {contractstest.Operator, registration, "082155003009", authority.Lead},
		"Kreis":            {contractstest.Operator, registration, "09162", authority.Lead},
		"Land":             {contractstest.Operator, registration, "09", authority.Lead},
		"federation":       {contractstest.Operator, registration, key.Federal, authority.Lead},
		"other service":    {contractstest.Operator, "99012070006001", muenchen, authority.Lead},
		"local service":    {contractstest.Operator, "local:sondernutzung", muenchen, authority.Lead},
		"unknown role":     {contractstest.Operator, registration, muenchen, "mayor"},
		"other court":      {contractstest.Operator, deregistration, muenchen, "register_court"},
		"other operator":   {"hessen", registration, muenchen, authority.Lead},
		"nothing":          {},
	} {
		if a, err := w.Resolve(t.Context(), c.operator, c.service, c.region, c.role); contracts.KindOf(err) != contracts.NotCompetent || err == nil {
			t.Errorf("%s: got %q, %v", name, a.ID, err)
		}
	}
}

// competent writes a competence row of an authority that is created on the way.
func (w world) competent(t *testing.T, c authority.Competence) {
	t.Helper()
	sqlstoretest.Exec(t, w.db, `insert into tenants (id, operator, name) values ('t', 'bayern', 'T') on conflict (id) do nothing`)
	sqlstoretest.Exec(t, w.db, `insert into authorities (id, operator, tenant, kind, name, region, roles, waived, mark)
		values ($1, 'bayern', 't', 'k', 'N', $2, '[]', false, 'unverified') on conflict (id) do nothing`, c.Authority, c.Region)
	var ends any
	if !c.Ends.IsZero() {
		ends = c.Ends
	}
	sqlstoretest.Exec(t, w.db, `insert into competences (operator, service, region, role, authority, begins, ends) values ('bayern', $1, $2, $3, $4, $5, $6)`,
		c.Service, c.Region, c.Role, c.Authority, c.Begins, ends)
}

// Features RT-02 and RT-04.
func TestTheMoreSpecificEntryWins(t *testing.T) {
	t.Parallel()
	const permit, object, local = key.ServiceKey("99012070006001"), key.ServiceKey("99012070000000"), key.ServiceKey("local:sondernutzung")
	const bruchsal = key.RegionKey("082155003009")
	w := setup(t)
	for name, c := range map[string]struct {
		rows []authority.Competence
		ask  key.ServiceKey
		want authority.ID
	}{
		"municipality before Verband":      {[]authority.Competence{{Service: permit, Region: "082155003", Authority: "verband"}, {Service: permit, Region: bruchsal, Authority: "city"}}, permit, "city"},
		"Verband before Kreis":             {[]authority.Competence{{Service: permit, Region: "08215", Authority: "kreis"}, {Service: permit, Region: "082155003", Authority: "verband"}}, permit, "verband"},
		"Kreis before Regierungsbezirk":    {[]authority.Competence{{Service: permit, Region: "082", Authority: "bezirk"}, {Service: permit, Region: "08215", Authority: "kreis"}}, permit, "kreis"},
		"Regierungsbezirk before Land":     {[]authority.Competence{{Service: permit, Region: "08", Authority: "land"}, {Service: permit, Region: "082", Authority: "bezirk"}}, permit, "bezirk"},
		"Land before federation":           {[]authority.Competence{{Service: permit, Region: key.Federal, Authority: "bund"}, {Service: permit, Region: "08", Authority: "land"}}, permit, "land"},
		"inherited from the federation":    {[]authority.Competence{{Service: permit, Region: key.Federal, Authority: "bund"}}, permit, "bund"},
		"not from a sibling":               {[]authority.Competence{{Service: permit, Region: "082155003010", Authority: "other"}, {Service: permit, Region: "08216", Authority: "kreis"}}, permit, ""},
		"not from below":                   {[]authority.Competence{{Service: permit, Region: bruchsal + "1", Authority: "quarter"}}, permit, ""},
		"exact before object":              {[]authority.Competence{{Service: object, Region: bruchsal, Authority: "of-object"}, {Service: permit, Region: "08", Authority: "exact"}}, permit, "exact"},
		"object where no exact key is":     {[]authority.Competence{{Service: object, Region: "08215", Authority: "of-object"}}, permit, "of-object"},
		"object before every service":      {[]authority.Competence{{Service: "", Region: bruchsal, Authority: "of-all"}, {Service: object, Region: "08", Authority: "of-object"}}, permit, "of-object"},
		"every service":                    {[]authority.Competence{{Service: "", Region: bruchsal, Authority: "of-all"}}, permit, "of-all"},
		"another key of the object is not": {[]authority.Competence{{Service: "99012070001000", Region: bruchsal, Authority: "other"}}, permit, ""},
		"asked for the object":             {[]authority.Competence{{Service: permit, Region: bruchsal, Authority: "exact"}}, object, ""},
		"local key":                        {[]authority.Competence{{Service: local, Region: "08215", Authority: "local"}}, local, "local"},
		"local key, no prefix of it":       {[]authority.Competence{{Service: "local:sonder", Region: "08215", Authority: "local"}}, local, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role := authority.Role(name) // one of its own per case, in one database
			for _, row := range c.rows {
				row.Role, row.Begins = role, w.db.Now().Add(-time.Hour)
				w.competent(t, row)
			}
			got, err := w.Resolve(t.Context(), contractstest.Operator, c.ask, bruchsal, role)
			if got.ID != c.want || (err == nil) != (c.want != "") {
				t.Fatalf("got %q, %v", got.ID, err)
			}
			if err != nil && contracts.KindOf(err) != contracts.NotCompetent {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestACompetenceCountsFromItsBeginUntilBeforeItsEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	now := w.db.Now()
	w.competent(t, authority.Competence{Region: muenchen, Role: "past", Authority: "aaa", Begins: now.Add(-2 * time.Hour), Ends: now})
	w.competent(t, authority.Competence{Region: muenchen, Role: "future", Authority: "aaa", Begins: now.Add(time.Hour)})
	w.competent(t, authority.Competence{Region: muenchen, Role: "reformed", Authority: "old", Begins: now.Add(-2 * time.Hour), Ends: now.Add(-time.Hour)})
	w.competent(t, authority.Competence{Region: muenchen, Role: "reformed", Authority: "new", Begins: now.Add(-time.Hour), Ends: now.Add(time.Hour)})
	// A more specific entry that has ended does not hide one above it.
	w.competent(t, authority.Competence{Region: muenchen, Role: "raised", Authority: "city", Begins: now.Add(-2 * time.Hour), Ends: now.Add(-time.Hour)})
	w.competent(t, authority.Competence{Region: "09", Role: "raised", Authority: "land", Begins: now.Add(-2 * time.Hour)})
	for role, want := range map[authority.Role]authority.ID{"past": "", "future": "", "reformed": "new", "raised": "land"} {
		got, err := w.Resolve(t.Context(), contractstest.Operator, registration, muenchen, role)
		if got.ID != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v", role, got.ID, err)
		}
	}
}

func TestOfTwoEqualEntriesNoneIsChosen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []authority.ID{"one", "two"} {
		w.competent(t, authority.Competence{Region: "09162", Role: authority.Lead, Authority: id, Begins: w.db.Now().Add(-time.Hour)})
	}
	got, err := w.Resolve(t.Context(), contractstest.Operator, registration, muenchen, authority.Lead)
	if got.ID != "" || err == nil || contracts.KindOf(err) != contracts.Internal {
		t.Fatalf("got %q, %v", got.ID, err)
	}
}

func TestAnAuthorityIsFoundByItsIDOnly(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	got, err := w.Authority(t.Context(), "gewerbeamt-muenchen")
	if err != nil {
		t.Fatal(err)
	}
	want := authority.Authority{
		ID: "gewerbeamt-muenchen", Operator: "bayern", Tenant: "muenchen", Kind: "trade_office", Name: got.Name,
		Mark: "unverified", Region: muenchen, Roles: []authority.Role{authority.Lead, authority.Previous},
	}
	if d := cmp.Diff(want, got); d != "" || got.Name == "" {
		t.Error(d)
	}
	for _, id := range []authority.ID{"nobody", "", "091620000000", "GEWERBEAMT-MUENCHEN"} {
		if _, err := w.Authority(t.Context(), id); err == nil || contracts.KindOf(err) != contracts.NotFound {
			t.Errorf("%q: got %v", id, err)
		}
	}
}
