package service_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/fact"
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

func packages(t *testing.T) map[key.ServiceKey]service.Package {
	t.Helper()
	list, err := service.Load()
	if err != nil {
		t.Fatal(err)
	}
	out := map[key.ServiceKey]service.Package{}
	for _, p := range list {
		out[p.Service] = p
	}
	if len(out) != 2 || len(list) != 2 {
		t.Fatalf("got %d packages", len(list))
	}
	return out
}

// example decodes an example application that must be valid.
func example(t *testing.T, p service.Package, name string) map[string]any {
	t.Helper()
	raw, ok := p.Examples[name]
	if !ok {
		t.Fatalf("no example %s", name)
	}
	app, problems := p.Decode(raw)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return app
}

func TestEachFormHasExactlyTheFieldsOfTheOrdinanceButTheSignature(t *testing.T) {
	t.Parallel()
	book, err := law.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages(t) {
		var want, got []string
		for _, f := range book.FormFields(p.Form) {
			if f.Group != "signature" {
				want = append(want, f.ID+" "+f.Group)
			}
		}
		for _, id := range p.AllFields() {
			group, _ := p.Group(id)
			got = append(got, id+" "+group)
		}
		if len(want) < 29 {
			t.Fatalf("%s: the law lists %d fields", p.Form, len(want))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", p.Form, d)
		}
		if _, ok := p.Group(p.Form + ".99"); ok {
			t.Errorf("%s: field 99 has a group", p.Form)
		}
	}
}

func TestTheRolesOfAPackageAreThoseOfTheLaw(t *testing.T) {
	t.Parallel()
	book, err := law.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages(t) {
		want := map[authority.Role]authority.Kind{}
		for _, r := range book.AllRows() {
			if r.Service == p.Service {
				want[r.Role] = r.Kind
			}
		}
		want[authority.Lead] = "trade_office"
		if d := cmp.Diff(want, p.Kinds); d != "" {
			t.Errorf("%s: %s", p.Service, d)
		}
		if len(p.Roles) != len(p.Kinds) {
			t.Errorf("%s: %d roles, %d kinds", p.Service, len(p.Roles), len(p.Kinds))
		}
	}
}

func TestEveryExampleIsValidAndYieldsTheExpectedFacts(t *testing.T) {
	t.Parallel()
	want := map[key.ServiceKey]map[string]fact.Values{
		registration: {
			"01-einzelkauffrau.json": {"register": "commercial", "foreign_trader": false, "full_move": true},
			"02-gmbh.json":           {"register": "commercial", "foreign_trader": false, "full_move": true},
			"03-gbr.json":            {"register": "none", "foreign_trader": true, "full_move": true},
		},
		deregistration: {
			"01-einzelkauffrau.json": {"register": "commercial", "foreign_trader": false},
			"02-gmbh.json":           {"register": "commercial", "foreign_trader": false},
			"03-gbr.json":            {"register": "none", "foreign_trader": true},
		},
	}
	got := map[key.ServiceKey]map[string]fact.Values{}
	for _, p := range packages(t) {
		got[p.Service] = map[string]fact.Values{}
		for name, raw := range p.Examples {
			if problems := p.Validate(raw); len(problems) > 0 {
				t.Errorf("%s %s: %v", p.Service, name, problems)
			}
			facts, err := p.Derive(example(t, p, name))
			if err != nil {
				t.Errorf("%s %s: %v", p.Service, name, err)
			}
			got[p.Service][name] = facts
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestTheExamplesTogetherUseAlmostEveryField(t *testing.T) {
	t.Parallel()
	never := map[string][]string{
		"gewa1": nil,
		"gewa3": {"gewa3.26", "gewa3.27", "gewa3.28"}, // a handover, which is no move
	}
	for _, p := range packages(t) {
		used := map[string]bool{}
		for name := range p.Examples {
			for _, id := range p.FieldsOf(example(t, p, name)) {
				used[id] = true
			}
		}
		var unused []string
		for _, id := range p.AllFields() {
			if !used[id] {
				unused = append(unused, id)
			}
		}
		if d := cmp.Diff(never[p.Form], unused); d != "" {
			t.Errorf("%s: %s", p.Form, d)
		}
	}
}

// What the office of the old district takes over from the notice has one structure on both forms.
func TestTheFirstFourteenFieldsHaveOneStructureOnBothForms(t *testing.T) {
	t.Parallel()
	all := packages(t)
	in, out := all[registration], all[deregistration]
	for name := range in.Examples {
		notice, closure := example(t, in, name), example(t, out, name)
		for _, part := range []string{"business", "person", "further_persons", "representation", "public_participation"} {
			if d := cmp.Diff(notice[part], closure[part]); d != "" {
				t.Errorf("%s %s: %s", name, part, d)
			}
		}
		if d := cmp.Diff(notice["former_place"], closure["place_of_business"]); d != "" {
			t.Errorf("%s: the place that is left: %s", name, d)
		}
		if d := cmp.Diff(notice["place_of_business"], closure["future_place"]); d != "" {
			t.Errorf("%s: the new place: %s", name, d)
		}
	}
}

func TestRegionKeysOfTheExamplesAreAreasOfTheRegister(t *testing.T) {
	t.Parallel()
	register, err := region.Load()
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`"region_key": "(\d+)"`)
	for _, p := range packages(t) {
		for name, raw := range p.Examples {
			found := keys.FindAllSubmatch(raw, -1)
			if len(found) == 0 {
				t.Errorf("%s %s: no region key", p.Service, name)
			}
			for _, k := range found {
				if _, ok := register.Area(key.RegionKey(k[1])); !ok {
					t.Errorf("%s %s: %s is no area", p.Service, name, k[1])
				}
			}
		}
	}
}

func TestBothLanguagesLabelTheSameFieldsAndCodes(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		de, en := p.Texts["de"], p.Texts["en"]
		if p.Name["de"] != de.Title || p.Name["en"] != en.Title || de.Title == en.Title {
			t.Errorf("%s: names %v", p.Service, p.Name)
		}
		if d := cmp.Diff(codes(de), codes(en)); d != "" {
			t.Errorf("%s: %s", p.Service, d)
		}
		if d := cmp.Diff(schemaCodes(t, p), codes(de)); d != "" {
			t.Errorf("%s: codes of the schema and labels: %s", p.Service, d)
		}
	}
}

func codes(texts service.Texts) map[string][]string {
	out := map[string][]string{}
	for path, labels := range texts.Values {
		for code, label := range labels {
			if label != "" {
				out[path] = append(out[path], code)
			}
		}
		slices.Sort(out[path])
	}
	return out
}

// schemaCodes lists the codes of every enumeration but the countries, by the path of its property.
func schemaCodes(t *testing.T, p service.Package) map[string][]string {
	t.Helper()
	var top map[string]any
	if err := json.Unmarshal(p.Schema, &top); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	var walk func(schema map[string]any, path []string)
	walk = func(schema map[string]any, path []string) {
		if ref, ok := schema["$ref"].(string); ok {
			walk(top["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), path)
		}
		if enum, ok := schema["enum"].([]any); ok && len(enum) < 200 {
			var list []string
			for _, c := range enum {
				list = append(list, c.(string))
			}
			slices.Sort(list)
			out[strings.Join(path, ".")] = list
		}
		if items, ok := schema["items"].(map[string]any); ok {
			walk(items, path)
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, sub := range properties {
			walk(sub.(map[string]any), append(slices.Clone(path), name))
		}
	}
	walk(top, nil)
	return out
}

func TestHashAndDefinitionAreStable(t *testing.T) {
	t.Parallel()
	digest := regexp.MustCompile(`^[0-9a-f]{64}$`)
	a, b := packages(t), packages(t)
	for k, p := range a {
		if p.Hash != b[k].Hash || p.Definition != b[k].Definition {
			t.Errorf("%s: two loads differ", k)
		}
		if !digest.MatchString(p.Hash) || !digest.MatchString(p.Definition) {
			t.Errorf("%s: hash %q, definition %q", k, p.Hash, p.Definition)
		}
	}
	if a[registration].Hash == a[deregistration].Hash {
		t.Error("two packages have one hash")
	}
}
