package service_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/contractstest"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// at sets the member of app that path names.
func at(app map[string]any, path string, value any) {
	names := strings.Split(path, "/")
	for _, name := range names[:len(names)-1] {
		app = app[name].(map[string]any)
	}
	last := names[len(names)-1]
	if value == nil {
		delete(app, last)
		return
	}
	app[last] = value
}

func validate(t *testing.T, p service.Package, app map[string]any) []contracts.Problem {
	t.Helper()
	raw, err := json.Marshal(app)
	if err != nil {
		t.Fatal(err)
	}
	return p.Validate(raw)
}

func TestEachFaultIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	const text = `does not match ^\P{C}+$`
	for name, c := range map[string]struct {
		path  string
		value any
		want  []contracts.Problem
	}{
		"missing":             {"person/family_name", nil, []contracts.Problem{{Pointer: "/person/family_name", Detail: "is required"}}},
		"wrong type":          {"person/family_name", 7, []contracts.Problem{{Pointer: "/person/family_name", Detail: "want string"}}},
		"empty":               {"person/family_name", "", []contracts.Problem{{Pointer: "/person/family_name", Detail: text}, {Pointer: "/person/family_name", Detail: "want at least 1 characters"}}},
		"too long":            {"person/family_name", strings.Repeat("ä", 121), []contracts.Problem{{Pointer: "/person/family_name", Detail: "want at most 120 characters"}}},
		"control character":   {"person/family_name", "a\x00b", []contracts.Problem{{Pointer: "/person/family_name", Detail: text}}},
		"line break":          {"activity/description", "a\nb", []contracts.Problem{{Pointer: "/activity/description", Detail: text}}},
		"reversed text":       {"business/registered_name", "a\u202eb", []contracts.Problem{{Pointer: "/business/registered_name", Detail: text}}},
		"null":                {"person/sex", json.RawMessage("null"), []contracts.Problem{{Pointer: "/person/sex", Detail: "want one of: male, female, diverse, none"}}},
		"no date":             {"person/birth_date", "1979-02-30", []contracts.Problem{{Pointer: "/person/birth_date", Detail: "want the format date"}}},
		"unknown country":     {"person/nationalities", []any{"DE", "ZZ"}, []contracts.Problem{{Pointer: "/person/nationalities/1", Detail: "is none of the allowed codes"}}},
		"country twice":       {"person/nationalities", []any{"DE", "DE"}, []contracts.Problem{{Pointer: "/person/nationalities", Detail: "items 0 and 1 are the same"}}},
		"unknown reason":      {"reason", "because", []contracts.Problem{{Pointer: "/reason", Detail: "want one of: new_establishment, relocation_from_other_district, transformation, change_of_legal_form, partner_joining, inheritance, purchase, lease"}}},
		"German postcode":     {"person/home_address/postcode", "8053", []contracts.Problem{{Pointer: "/person/home_address/postcode", Detail: "does not match ^[0-9]{5}$"}}},
		"short region key":    {"former_place/region_key", "09564", []contracts.Problem{{Pointer: "/former_place/region_key", Detail: "does not match ^[0-9]{12}$"}}},
		"move without key":    {"former_place/region_key", nil, []contracts.Problem{{Pointer: "/former_place/region_key", Detail: "is required"}}},
		"move without place":  {"former_place", nil, []contracts.Problem{{Pointer: "/former_place", Detail: "is required"}}},
		"no e-mail":           {"person/home_address/email", "nobody", []contracts.Problem{{Pointer: "/person/home_address/email", Detail: "want the format email"}}},
		"negative":            {"activity/workers/full_time", -1, []contracts.Problem{{Pointer: "/activity/workers/full_time", Detail: "want at least 0"}}},
		"fraction":            {"activity/workers/full_time", 1.5, []contracts.Problem{{Pointer: "/activity/workers/full_time", Detail: "want integer"}}},
		"too many":            {"activity/workers/full_time", 100000, []contracts.Problem{{Pointer: "/activity/workers/full_time", Detail: "want at most 99999"}}},
		"empty list":          {"activity/kinds", []any{}, []contracts.Problem{{Pointer: "/activity/kinds", Detail: "want at least 1 items"}}},
		"unregistered number": {"business/register", map[string]any{"kind": "none", "number": "HRA 1"}, []contracts.Problem{{Pointer: "/business/register/number", Detail: "must not be there"}}},
		"register incomplete": {"business/register", map[string]any{"kind": "commercial"}, []contracts.Problem{{Pointer: "/business/register/court", Detail: "is required"}, {Pointer: "/business/register/number", Detail: "is required"}}},
		"permit incomplete":   {"permit", map[string]any{"exists": true}, []contracts.Problem{{Pointer: "/permit/authority", Detail: "is required"}, {Pointer: "/permit/date", Detail: "is required"}}},
		"unknown member": {"establishment/note", "x", []contracts.Problem{{
			Pointer: "/establishment", Detail: "has members that the form does not know: 1; it knows: itinerant, kind",
		}}},
		"signature": {"signature", "x", []contracts.Problem{{
			Detail: "has members that the form does not know: 1; it knows: accident_insurance, activity, business, crafts_card, establishment, former_place, former_trader, further_persons, main_establishment, notice_date, permit, person, place_of_business, public_participation, reason, representation, residence_restriction, residence_title",
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := example(t, p, "01-einzelkauffrau.json")
			at(app, c.path, c.value)
			if d := cmp.Diff(c.want, validate(t, p, app)); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func TestAClosureNeedsAReasonAndAMoveItsNewPlace(t *testing.T) {
	t.Parallel()
	p := packages(t)[deregistration]
	app := example(t, p, "01-einzelkauffrau.json")
	at(app, "future_place", nil)
	want := []contracts.Problem{{Pointer: "/future_place", Detail: "is required"}}
	if d := cmp.Diff(want, validate(t, p, app)); d != "" {
		t.Fatal(d)
	}
	at(app, "reason", nil)
	want = []contracts.Problem{{Detail: "want at least one of: handover_reason, reason"}}
	if d := cmp.Diff(want, validate(t, p, app)); d != "" {
		t.Fatal(d)
	}
	at(app, "handover_reason", "lease")
	if got := validate(t, p, app); len(got) > 0 {
		t.Fatal(got)
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	app := example(t, p, "02-gmbh.json")
	at(app, "person/birth_date", "yesterday")
	at(app, "notice_date", nil)
	at(app, "further_persons", []any{map[string]any{}})
	at(app, "reason", 1)
	var got []string
	for _, problem := range validate(t, p, app) {
		got = append(got, problem.Pointer)
	}
	want := []string{
		"/further_persons/0/birth_country", "/further_persons/0/birth_date", "/further_persons/0/birth_place",
		"/further_persons/0/family_name", "/further_persons/0/given_names", "/further_persons/0/home_address",
		"/further_persons/0/nationalities", "/further_persons/0/sex", "/notice_date", "/person/birth_date", "/reason",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestHostileInputIsRefusedBeforeTheSchemaSeesIt(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	for name, c := range map[string]struct {
		body string
		want contracts.Problem
	}{
		"empty":               {"", contracts.Problem{Detail: "no JSON: the fault is at byte 0"}},
		"no object":           {"[]", contracts.Problem{Detail: "want a JSON object"}},
		"null":                {"null", contracts.Problem{Detail: "want a JSON object"}},
		"cut off":             {`{"reason":"lea`, contracts.Problem{Detail: "no JSON: the fault is at byte 10"}},
		"second document":     {`{} {}`, contracts.Problem{Detail: "no JSON: the fault is at byte 4"}},
		"trailing comma":      {`{"reason":"lease",}`, contracts.Problem{Detail: "no JSON: the fault is at byte 18"}},
		"not UTF-8":           {"{\"reason\":\"\xff\"}", contracts.Problem{Detail: "the application is not UTF-8"}},
		"too large":           {`{"reason":"` + strings.Repeat("a", service.MaxBytes) + `"}`, contracts.Problem{Detail: "the application is larger than 1048576 bytes"}},
		"too deep":            {strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000), contracts.Problem{Detail: "nested deeper than 16"}},
		"too deep list":       {`{"person":{"nationalities":` + strings.Repeat("[", 100000), contracts.Problem{Pointer: "/person/nationalities/0", Detail: "nested deeper than 16"}},
		"repeated member":     {`{"person":{"sex":"male","sex":"female"}}`, contracts.Problem{Pointer: "/person/sex", Detail: "a member of this name stands twice; the second ends at byte 29"}},
		"repeated, unknown":   {`{"Maria Muster":1,"Maria Muster":2}`, contracts.Problem{Detail: "a member of this name stands twice; the second ends at byte 32"}},
		"repeated, escaped":   {`{"sex":1,"\u0073ex":2}`, contracts.Problem{Detail: "a member of this name stands twice; the second ends at byte 19"}},
		"expensive number":    {`{"representation":{"count":1e999999999}}`, contracts.Problem{Pointer: "/representation/count", Detail: "want a number of at most 20 digits, without exponent"}},
		"very long number":    {`{"representation":{"count":` + strings.Repeat("9", 1000) + `}}`, contracts.Problem{Pointer: "/representation/count", Detail: "want a number of at most 20 digits, without exponent"}},
		"no number at all":    {`{"representation":{"count":NaN}}`, contracts.Problem{Detail: "no JSON: the fault is at byte 27"}},
		"byte order mark":     {"\ufeff{}", contracts.Problem{Detail: "no JSON: the fault is at byte 0"}},
		"comment":             {"{/* a */}", contracts.Problem{Detail: "no JSON: the fault is at byte 1"}},
		"single-quoted names": {"{'reason':1}", contracts.Problem{Detail: "no JSON: the fault is at byte 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff([]contracts.Problem{c.want}, p.Validate([]byte(c.body))); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func TestManyFaultsAreCutOff(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	app := example(t, p, "02-gmbh.json")
	at(app, "further_persons", make([]any, 5000))
	at(app, "business/other_partners", make([]any, 5000))
	got := validate(t, p, app)
	if len(got) != 201 || got[200].Detail != "there are more faults than are listed" {
		t.Fatalf("got %d problems", len(got))
	}
}

// No fault repeats what was sent, whatever it is.
func TestNoProblemHoldsAValueOrAnUnknownName(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	var paths []string
	var list func(m map[string]any, prefix string)
	list = func(m map[string]any, prefix string) {
		for name, v := range m {
			paths = append(paths, prefix+name, prefix+name+"-SECRET")
			if sub, ok := v.(map[string]any); ok {
				list(sub, prefix+name+"/")
			}
		}
	}
	list(example(t, p, "01-einzelkauffrau.json"), "")
	rapid.Check(t, func(rt *rapid.T) {
		app, _ := contractstest.Canary(example(t, p, "01-einzelkauffrau.json"), p.Schema, "SECRET")
		path := rapid.SampledFrom(paths).Draw(rt, "path")
		at(app, path, rapid.SampledFrom([]any{
			"SECRET\x00", "SECRET" + strings.Repeat("x", 2000), []any{"SECRET"}, map[string]any{"SECRET": "SECRET"}, 424242424242, true,
		}).Draw(rt, "value"))
		raw, err := json.Marshal(app)
		if err != nil {
			rt.Fatal(err)
		}
		for _, problem := range p.Validate(raw) {
			if text := problem.Pointer + " " + problem.Detail; strings.Contains(text, "SECRET") || strings.Contains(text, "424242") {
				rt.Fatalf("%s: got %s", path, text)
			}
		}
	})
}

func FuzzValidate(f *testing.F) {
	list, err := service.Load()
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range list {
		for _, raw := range p.Examples {
			f.Add(raw)
		}
	}
	f.Add([]byte(`{"person":{"sex":"male","sex":1e9}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, p := range list {
			if len(p.Validate(raw)) > 0 {
				continue
			}
			app, problems := p.Decode(raw)
			if len(problems) > 0 {
				t.Fatalf("valid, but not readable: %v", problems)
			}
			if _, err := p.Derive(app); err != nil {
				t.Fatalf("valid, but without facts: %v", err)
			}
		}
	})
}
