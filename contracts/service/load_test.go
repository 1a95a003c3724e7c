package service_test

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/service"
	"github.com/efa-broker/efa-broker/contracts/services"
)

// copied returns the registration package as files that a test may change.
func copied(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(services.Files, string(registration), func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(services.Files, name)
		out[name] = &fstest.MapFile{Data: raw}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAPackageThatContradictsItselfIsRefused(t *testing.T) {
	t.Parallel()
	book, err := law.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, old, replacement, want string }{
		"unknown member":        {"service.yaml", "form: gewa1", "form: gewa1\nnote: x", "field note not found"},
		"repeated member":       {"service.yaml", "form: gewa1", "form: gewa1\nform: gewa1", "already defined"},
		"second document":       {"service.yaml", "form: gewa1", "form: gewa1\n---\nform: gewa1", "more than one document"},
		"unquoted key":          {"service.yaml", `"99050012104000"`, "9905", "service key"},
		"other folder":          {"service.yaml", "99050012104000", "99050012071000", "the folder of"},
		"other form":            {"service.yaml", "form: gewa1", "form: gewa2", "is no field of form gewa2"},
		"bad form":              {"service.yaml", "form: gewa1", "form: GewA1", "form: want"},
		"unknown procedure":     {"service.yaml", "procedure: notification", "procedure: permit", "procedure"},
		"no day":                {"service.yaml", "valid_from: 2025-11-01", "valid_from: soon", "valid_from"},
		"law not yet in force":  {"service.yaml", "valid_from: 2025-11-01", "valid_from: 2025-10-01", "gewo-15-1"},
		"unknown opening":       {"service.yaml", "opened_by: application", "opened_by: phone", "opened_by"},
		"retention missing":     {"service.yaml", "retention: { period: P0D, from: end, mark: design }\n", "", "retention: period"},
		"retention no period":   {"service.yaml", "period: P0D", "period: 2 years", "retention: period"},
		"retention empty":       {"service.yaml", "period: P0D", "period: P", "retention: period"},
		"retention from when":   {"service.yaml", "from: end", "from: receipt", "retention: from"},
		"retention of no mark":  {"service.yaml", "mark: design }", "mark: sure }", "retention: mark"},
		"retention of no norm":  {"service.yaml", "mark: design }", "mark: verified }", "retention: norm"},
		"retention of a norm":   {"service.yaml", "mark: design }", "norm: GewO § 14(1), mark: design }", "retention: mark"},
		"retention, other word": {"service.yaml", "mark: design }", "mark: design, note: x }", "field note not found"},
		"no lead":               {"service.yaml", "role: lead", "role: leader", `"lead" is missing`},
		"role twice":            {"service.yaml", "role: customs, kind", "role: lead, kind", "not listed yet"},
		"role without kind":     {"service.yaml", "{ role: customs, kind: customs }", "{ role: customs }", "and its kind"},
		"fact without rule":     {"service.yaml", "  - { fact: full_move,", "  - { fact: register,", "full_move"},
		"rule without fact":     {"service.yaml", "  foreign_trader: { type: boolean, sensitive: true }\n", "", `"foreign_trader" is not declared`},
		"fact of no type":       {"service.yaml", "full_move: { type: boolean }", "full_move: { type: text }", "none of boolean"},
		"enum without values":   {"service.yaml", "values: [commercial, cooperative, association, foundation, none]", "values: []", "needs values"},
		"value missing":         {"service.yaml", "foundation, none]", "none]", `"foundation" of the property`},
		"value too many":        {"service.yaml", "foundation, none]", "foundation, other, none]", `never has the code "other"`},
		"default undeclared":    {"service.yaml", "default: none", "default: some", "outside its declaration"},
		"default of no type":    {"service.yaml", "default: none", "default: [none]", "default"},
		"empty bounds":          {"service.yaml", "full_move: { type: boolean }", "full_move: { type: integer, minimum: 2, maximum: 1 }", "minimum is above"},
		"code that never comes": {"service.yaml", "equals: relocation_from_other_district", "equals: moved", `never has the code "moved"`},
		"one of no code":        {"service.yaml", "equals: relocation_from_other_district", "one_of: [moved]", `never has the code "moved"`},
		"two comparisons":       {"service.yaml", "lacks: DE", "lacks: DE, equals: DE", "at most one"},
		"lacks without list":    {"service.yaml", "equals: relocation_from_other_district", "lacks: lease", "wants a list"},
		"comparison for enum":   {"service.yaml", "default: none", "equals: none", "makes a boolean"},
		"list as boolean":       {"service.yaml", ", lacks: DE", "", "is no boolean"},
		"no such property":      {"service.yaml", "pointer: /reason", "pointer: /because", "names no property"},
		"region of no property": {"service.yaml", "/former_place/region_key", "/former_place", "no single property"},
		"region of no fact":     {"service.yaml", "when: full_move", "when: register", "no boolean fact"},
		"region of no role":     {"service.yaml", "role: previous, pointer", "role: next, pointer", "not declared"},
		"subject of no role":    {"service.yaml", "role: third_person", "role: neighbour", "none of applicant"},
		"subject of no list":    {"service.yaml", "each: /further_persons", "each: /person", "no list"},
		"subject of no text":    {"service.yaml", "birth_date: /person/birth_date", "birth_date: /person", "no single property"},
		"outcome fact twice":    {"service.yaml", "indications_of_violation: {", "full_move: {", "with an outcome only"},
		"outcome fact, no type": {"service.yaml", "indications_of_violation: { type: boolean }", "indications_of_violation: { type: text }", "none of boolean"},
		"process refers to law": {"process.yaml", "law: gewo-15-1", "law: gewo-99", "gewo-99"},
		"process has no role":   {"process.yaml", "role: previous", "role: next", "next"},
		"no schema":             {"application.schema.json", "{", "", "application.schema.json"},
		"schema not closed":     {"application.schema.json", `"additionalProperties": false`, `"additionalProperties": true`, "must be false"},
		"field of other form":   {"application.schema.json", `"gewa1.13"`, `"gewa2.13"`, "no field of form gewa1"},
		"field of two groups":   {"application.schema.json", `"gewa1.9", "x-efa-group": "birth", "$ref": "#/$defs/country"`, `"gewa1.9", "x-efa-group": "sex", "$ref": "#/$defs/country"`, "has the groups"},
		"group alone":           {"application.schema.json", `"x-efa-field": "gewa1.13", `, "", "no field of form"},
		"property of no field":  {"application.schema.json", `"x-efa-field": "gewa1.13", "x-efa-group": "ownership", `, "", "belongs to no field"},
		"field inside a field":  {"application.schema.json", `"house_number": { `, `"house_number": { "x-efa-field": "gewa1.3", "x-efa-group": "registered_name", `, "stands inside"},
		"reference to nothing":  {"application.schema.json", `"#/$defs/address"`, `"#/$defs/place"`, "names no definition"},
		"reference outside":     {"application.schema.json", `"#/$defs/address"`, `"https://example.org/address"`, "names no definition"},
		"missing label":         {"texts.en.json", `"gewa1.13"`, `"gewa1.99"`, "gewa1.13 has no label"},
		"unknown text":          {"texts.de.json", `"title"`, `"name"`, "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := copied(t)
			f := files[string(registration)+"/"+c.file]
			changed := strings.Replace(string(f.Data), c.old, c.replacement, 1)
			if changed == string(f.Data) {
				t.Fatalf("the file does not hold %q", c.old)
			}
			f.Data = []byte(changed)
			_, err := service.LoadFrom(files, book)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if k := contracts.KindOf(err); k != contracts.Internal && k != contracts.Invalid {
				t.Fatalf("got kind %s", k)
			}
		})
	}
}

func TestAPackageNeedsAllItsFiles(t *testing.T) {
	t.Parallel()
	book, err := law.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"service.yaml", "process.yaml", "application.schema.json", "texts.de.json", "texts.en.json"} {
		files := copied(t)
		delete(files, string(registration)+"/"+name)
		if _, err := service.LoadFrom(files, book); err == nil || !strings.Contains(err.Error(), name+" is missing") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTheHashCoversWhatACaseLivesByAndNothingElse(t *testing.T) {
	t.Parallel()
	book, err := law.Load()
	if err != nil {
		t.Fatal(err)
	}
	hashOf := func(files fs.FS) string {
		t.Helper()
		list, err := service.LoadFrom(files, book)
		if err != nil {
			t.Fatal(err)
		}
		return list[0].Hash
	}
	unchanged := hashOf(copied(t))
	seen := map[string]string{}
	for name := range copied(t) {
		files := copied(t)
		files[name].Data = append(files[name].Data, '\n')
		h := hashOf(files)
		rules := !strings.Contains(name, "/texts.") && !strings.Contains(name, "/examples/")
		if rules == (h == unchanged) {
			t.Errorf("%s: hash changed: %v", name, h != unchanged)
		}
		if other, twice := seen[h]; twice && rules {
			t.Errorf("%s: same hash as %s", name, other)
		}
		seen[h] = name
	}
}

// TestAPackageIsReadBackFromItsRules is what lets a case live on when the product carries another version of the package.
func TestAPackageIsReadBackFromItsRules(t *testing.T) {
	t.Parallel()
	packages, err := service.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		again, err := service.Open(p.Rules)
		if err != nil {
			t.Fatal(err)
		}
		if again.Hash != p.Hash || again.Form != p.Form || !slices.Equal(again.AllFields(), p.AllFields()) || len(again.OutcomeFacts) != len(p.OutcomeFacts) {
			t.Errorf("%s: read back as %s of form %s", p.Service, again.Hash, again.Form)
		}
		for name, raw := range p.Examples {
			var app map[string]any
			if err := json.Unmarshal(raw, &app); err != nil {
				t.Fatal(err)
			}
			some := p.AllFields()[:9]
			if diff := cmp.Diff(p.Filter(app, some), again.Filter(app, some)); diff != "" {
				t.Errorf("%s %s: %s", p.Service, name, diff)
			}
		}
	}
	for _, rubbish := range []string{"", "{}", `{"format":"efa-package/9"}`, `{"format":"efa-package/1","manifest":"x","schema":"{}","process":""}`} {
		if _, err := service.Open([]byte(rubbish)); contracts.KindOf(err) != contracts.Internal || err == nil {
			t.Errorf("%q: %v", rubbish, err)
		}
	}
}
