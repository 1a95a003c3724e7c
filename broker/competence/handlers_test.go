package competence_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/competence"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/contractstest"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// get asks the mounted routes as v and decodes the answer into out.
func (w world) get(t *testing.T, v actor.Viewer, target string, out any) (status int) {
	t.Helper()
	mux := http.NewServeMux()
	w.Mount(mux, httpserver.Errors{})
	r := httptest.NewRequestWithContext(httpserver.WithViewer(t.Context(), v), http.MethodGet, target, http.NoBody)
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, r)
	if err := json.Unmarshal(rec.Body.Bytes(), out); err != nil {
		t.Fatalf("%s: %v: %s", target, err, rec.Body)
	}
	return rec.Code
}

type areas struct {
	Areas []competence.Area `json:"areas"`
}

type problem struct {
	Type     string `json:"type"`
	Problems []struct {
		Pointer string `json:"pointer"`
	} `json:"problems"`
}

func TestTheSearchNamesTheRouteOfEachCandidateArea(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	for target, want := range map[string][]string{
		"?service=99050012104000&region=091620000000": {"091620000000 true 16"},
		"?service=99050012104000&ags=09162000":        {"091620000000 true 16"},
		"?service=99050012104000&postcode=80331":      {"091620000000 true 16"},
		"?service=99050012071000&region=091620000000": {"091620000000 true 16"}, // by the object of the key
		"?region=095640000000":                        {"095640000000 true 17"}, // every service on offer
		"?service=99050012104000&ags=08215009":        {"082155003009 false 4"}, // the federal bodies, and no lead
		"?service=99012070006001&region=091620000000": {"091620000000 false 0"},
		"?service=local:markt&region=091620000000":    {"091620000000 false 0"},
	} {
		var got areas
		if status := w.get(t, contractstest.Portal(), "/v1/competences"+target, &got); status != http.StatusOK {
			t.Errorf("%s: status %d", target, status)
		}
		var lines []string
		for _, a := range got.Areas {
			lines = append(lines, a.Region+" "+map[bool]string{true: "true", false: "false"}[a.Route]+" "+itoa(len(a.Competences)))
			if a.Name == "" || a.State == "" || a.Competences == nil {
				t.Errorf("%s: got %+v", target, a)
			}
		}
		if d := cmp.Diff(want, lines); d != "" {
			t.Errorf("%s: %s", target, d)
		}
	}
}

func itoa(n int) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}

func TestAPostcodeOfManyAreasListsThemAll(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	var got areas
	if status := w.get(t, contractstest.Portal(), "/v1/competences?service=99050012104000&postcode=54636", &got); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if len(got.Areas) != 39 || slices.ContainsFunc(got.Areas, func(a competence.Area) bool { return a.Route }) {
		t.Fatalf("got %d areas", len(got.Areas))
	}
}

func TestTheSearchListsEachRoleWithItsOffice(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	var got areas
	w.get(t, contractstest.Portal(), "/v1/competences?service=99050012104000&region=091620000000", &got)
	found := map[string]string{}
	for _, c := range got.Areas[0].Competences {
		found[c.Role] = c.Authority
		if c.Name == "" {
			t.Errorf("%s has no name", c.Authority)
		}
	}
	for role, want := range map[string]string{
		"lead": "gewerbeamt-muenchen", "previous": "gewerbeamt-muenchen", "chamber_of_commerce": "ihk-muenchen",
		"occupational_safety": "gewerbeaufsicht-muenchen", "statistics": "statistik-bayern", "customs": "zoll",
	} {
		if found[role] != want {
			t.Errorf("%s: got %q", role, found[role])
		}
	}
	for role, id := range found {
		if id == "bauamt-muenchen" || strings.HasSuffix(id, "-nuernberg") {
			t.Errorf("%s: got %s", role, id)
		}
	}
}

func TestAPlaceThatTheRegisterDoesNotKnowIsRefusedWithItsParameter(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	for target, want := range map[string]string{
		"":                                     "region",
		"?service=99050012104000":              "region",
		"?region=091620000000&ags=09162000":    "region",
		"?region=091620000000&postcode=80331":  "region",
		"?region=091629999999":                 "region",
		"?region=09162":                        "region", // a Kreis is no municipality
		"?region=09162000":                     "region", // an AGS is no ARS
		"?region=082150000009":                 "region", // nor a padded one
		"?region=munich":                       "region",
		"?ags=08215999":                        "ags",
		"?ags=8215009":                         "ags",
		"?ags=082155003009":                    "ags",
		"?postcode=00000":                      "postcode",
		"?postcode=8033":                       "postcode",
		"?service=9905&region=091620000000":    "service",
		"?service=local:&region=091620000000":  "service",
		"?service=99050012104000&region=09162": "region",
	} {
		var got problem
		if status := w.get(t, contractstest.Portal(), "/v1/competences"+target, &got); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", target, status)
		}
		if len(got.Problems) != 1 || got.Problems[0].Pointer != want {
			t.Errorf("%s: got %+v", target, got)
		}
	}
}

func TestAuthoritiesOfTheOwnOperatorAreListed(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	sqlstoretest.Exec(t, w.db, `insert into tenants (id, operator, name) values ('kassel', 'hessen', 'Kassel')`)
	sqlstoretest.Exec(t, w.db, `insert into authorities (id, operator, tenant, kind, name, region, roles, waived, mark)
		values ('gewerbeamt-kassel', 'hessen', 'kassel', 'trade_office', 'Kassel', '066110000000', '["lead"]', true, 'unverified')`)
	var got struct {
		Authorities []authority.Authority `json:"authorities"`
	}
	if status := w.get(t, contractstest.OperatorAdmin(), "/v1/authorities", &got); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if len(got.Authorities) != 26 || !slices.IsSortedFunc(got.Authorities, func(a, b authority.Authority) int { return strings.Compare(string(a.ID), string(b.ID)) }) {
		t.Errorf("got %d authorities", len(got.Authorities))
	}
	for _, a := range got.Authorities {
		if a.Operator != contractstest.Operator || a.Roles == nil {
			t.Errorf("got %+v", a)
		}
	}
	var one authority.Authority
	if status := w.get(t, contractstest.System("zoll", "bund"), "/v1/authorities/bauamt-muenchen", &one); status != http.StatusOK || one.Kind != "building_authority" || len(one.Roles) != 0 {
		t.Errorf("status %d, got %+v", status, one)
	}
}

func TestAnAuthorityOfAnotherOperatorDoesNotExistHere(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	stranger := contractstest.OperatorAdmin()
	stranger.Operator = "hessen"
	for _, id := range []string{"gewerbeamt-muenchen", "no-such-office"} {
		var got problem
		if status := w.get(t, stranger, "/v1/authorities/"+id, &got); status != http.StatusNotFound || got.Type != "urn:efa:problem:not_found" {
			t.Errorf("%s: status %d, %+v", id, status, got)
		}
	}
	var list map[string][]authority.Authority
	if w.get(t, stranger, "/v1/authorities", &list); list["authorities"] == nil || len(list["authorities"]) != 0 {
		t.Errorf("got %v", list)
	}
	var found areas
	if w.get(t, stranger, "/v1/competences?service=99050012104000&region=091620000000", &found); found.Areas[0].Route {
		t.Errorf("got %+v", found)
	}
}

func TestEveryRouteAsksTheAccessPolicy(t *testing.T) {
	t.Parallel()
	w := seeded(t)
	engine := actor.Viewer{Actor: actor.Actor{ID: "engine", Role: actor.Engine}, Operator: contractstest.Operator}
	for target, action := range map[string]decision.Action{
		"/v1/authorities":                     decision.AuthorityList,
		"/v1/authorities/gewerbeamt-muenchen": decision.AuthorityList,
		"/v1/authorities/no-such-office":      decision.AuthorityList,
		"/v1/competences?postcode=80331":      decision.CompetenceFind,
		"/v1/competences?postcode=x":          decision.CompetenceFind,
	} {
		w.access.asked = nil
		var got problem
		if status := w.get(t, engine, target, &got); status != http.StatusForbidden {
			t.Errorf("%s: status %d", target, status)
		}
		want := []decision.AccessInput{{Role: actor.Engine, Action: action, Relation: decision.Collection}}
		if d := cmp.Diff(want, w.access.asked); d != "" {
			t.Errorf("%s: %s", target, d)
		}
	}
}
