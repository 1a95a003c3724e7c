package service_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/contractstest"
	"github.com/efa-broker/efa-broker/contracts/service"
)

func TestOnlyAFullMoveHasAPreviousAuthority(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	app := example(t, p, "01-einzelkauffrau.json")
	got, err := p.Regions(app, muenchen)
	if err != nil {
		t.Fatal(err)
	}
	if got[authority.Previous] != nuernberg || got[authority.Lead] != muenchen || len(got) != len(p.Roles) {
		t.Fatalf("got %v", got)
	}
	app["reason"] = "new_establishment"
	if got, err = p.Regions(app, muenchen); err != nil {
		t.Fatal(err)
	}
	if _, there := got[authority.Previous]; there || len(got) != len(p.Roles)-1 {
		t.Fatalf("got %v", got)
	}
}

func TestAMoveWithinTheSameRegionIsRefused(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	app := example(t, p, "01-einzelkauffrau.json")
	former, _ := app["former_place"].(map[string]any)
	former["region_key"] = string(muenchen)
	_, err := p.Regions(app, muenchen)
	if contracts.KindOf(err) != contracts.Invalid {
		t.Fatalf("got %v", err)
	}
	if got := contracts.ProblemsOf(err); len(got) != 1 || got[0].Pointer != "/former_place/region_key" {
		t.Fatalf("got %v", got)
	}
}

func TestTheRegionIsThatOfThePlaceForWhichItIsFiled(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	_, err := p.Regions(example(t, p, "01-einzelkauffrau.json"), nuernberg)
	if got := contracts.ProblemsOf(err); contracts.KindOf(err) != contracts.Invalid || len(got) != 1 || got[0].Pointer != "/place_of_business/region_key" {
		t.Fatalf("got %v", err)
	}
}

func TestRegionsNeedATwelveDigitKey(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	for _, bad := range []any{"09564", "", "x", nil, 95640000000.0} {
		app := example(t, p, "01-einzelkauffrau.json")
		app["former_place"].(map[string]any)["region_key"] = bad
		if _, err := p.Regions(app, muenchen); contracts.KindOf(err) != contracts.Invalid || err == nil {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}

func TestSubjectsAreTheNamedPersons(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	got := map[string][]string{}
	for name := range p.Examples {
		for _, s := range p.Subjects(example(t, p, name)) {
			got[name] = append(got[name], s.Role+" "+s.Attributes["family_name"]+" "+s.Attributes["birth_date"])
		}
	}
	want := map[string][]string{
		"01-einzelkauffrau.json": {"applicant Hollweck 1979-03-14"},
		"02-gmbh.json": {
			"applicant Oberndorfer 1968-09-02", "representative Vancea 1984-01-27", "representative Strasser ", "representative Gebhardt ",
		},
		"03-gbr.json": {"applicant Yıldız 1991-11-30", "third_person Papadaki "},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestForeignTraderMeansNoGermanNationality(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for want, nationalities := range map[bool][][]any{
			false: {{"DE"}, {"TR", "DE"}},
			true:  {{"TR"}, {"AT", "CH"}, {}},
		} {
			for _, n := range nationalities {
				app := example(t, p, "01-einzelkauffrau.json")
				app["person"].(map[string]any)["nationalities"] = n
				facts, err := p.Derive(app)
				if err != nil || facts["foreign_trader"] != want {
					t.Errorf("%v: got %v, %v", n, facts, err)
				}
			}
		}
	}
}

func TestAFactWhosePropertyIsAbsentIsAnErrorWithoutValue(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	app := example(t, p, "01-einzelkauffrau.json")
	delete(app, "person")
	_, err := p.Derive(app)
	if contracts.KindOf(err) != contracts.Invalid || err == nil || !strings.Contains(err.Error(), "foreign_trader") {
		t.Fatalf("got %v", err)
	}
}

// A filtered application holds no value of a field that was not released, for any application and any release.
func TestFilterKeepsTheReleasedFieldsAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for name := range p.Examples {
			t.Run(p.Form+"/"+name, func(t *testing.T) {
				t.Parallel()
				app, canaries := contractstest.Canary(example(t, p, name), p.Schema, "filter")
				texts := valuesByField(p, app, canaries)
				rapid.Check(t, func(rt *rapid.T) {
					released := rapid.SliceOfDistinct(rapid.SampledFrom(p.AllFields()), rapid.ID).Draw(rt, "released")
					kept := p.Filter(app, append(released, "gewa1.99", "", "*"))
					checkFiltered(rt, p, app, kept, released, texts)
				})
			})
		}
	}
}

func checkFiltered(t *rapid.T, p service.Package, app, kept map[string]any, released []string, texts map[string][]string) {
	var want []string
	for _, id := range p.FieldsOf(app) {
		if slices.Contains(released, id) {
			want = append(want, id)
		}
	}
	if d := cmp.Diff(want, p.FieldsOf(kept)); d != "" {
		t.Fatalf("fields: %s", d)
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	for id, values := range texts {
		for _, v := range values {
			if there := strings.Contains(string(raw), v); there != slices.Contains(released, id) {
				t.Fatalf("field %s: its value is there: %v", id, there)
			}
		}
	}
}

// valuesByField lists the canaries of each field, found by releasing it alone.
func valuesByField(p service.Package, app map[string]any, canaries []string) map[string][]string {
	out := map[string][]string{}
	for _, id := range p.FieldsOf(app) {
		collect(p.Filter(app, []string{id}), func(s string) {
			if slices.Contains(canaries, s) {
				out[id] = append(out[id], s)
			}
		})
	}
	return out
}

func collect(v any, found func(string)) {
	switch x := v.(type) {
	case string:
		found(x)
	case map[string]any:
		for _, c := range x {
			collect(c, found)
		}
	case []any:
		for _, c := range x {
			collect(c, found)
		}
	}
}

func TestFilterOfEverythingIsTheWholeApplicationAndOfNothingNothing(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for name := range p.Examples {
			app := example(t, p, name)
			if d := cmp.Diff(app, p.Filter(app, p.AllFields())); d != "" {
				t.Errorf("%s %s: %s", p.Form, name, d)
			}
			if got := p.Filter(app, nil); len(got) != 0 {
				t.Errorf("%s %s: got %v", p.Form, name, slices.Collect(maps.Keys(got)))
			}
		}
	}
}

func TestFilterDropsWhatTheSchemaDoesNotKnow(t *testing.T) {
	t.Parallel()
	p := packages(t)[registration]
	app := example(t, p, "01-einzelkauffrau.json")
	app["note"] = "free"
	app["person"].(map[string]any)["note"] = map[string]any{"family_name": "free"}
	app["establishment"] = []any{"free", map[string]any{"kind": "free"}}
	app["further_persons"] = map[string]any{"family_name": "free"}
	raw, err := json.Marshal(p.Filter(app, p.AllFields()))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "free") {
		t.Fatalf("got %s", raw)
	}
}

// What a scan for leaks seeds is a valid application with the same fields and facts.
func TestAnApplicationOfCanariesIsValid(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for name := range p.Examples {
			app := example(t, p, name)
			seeded, canaries := contractstest.Canary(app, p.Schema, "scan")
			if problems := validate(t, p, seeded); len(problems) > 0 {
				t.Errorf("%s %s: %v", p.Form, name, problems)
			}
			if d := cmp.Diff(p.FieldsOf(app), p.FieldsOf(seeded)); d != "" {
				t.Errorf("%s %s: %s", p.Form, name, d)
			}
			want, err := p.Derive(app)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.Derive(seeded); err != nil || !cmp.Equal(want, got) {
				t.Errorf("%s %s: facts %v, %v", p.Form, name, got, err)
			}
			if len(canaries) < 15 {
				t.Errorf("%s %s: only %d canaries", p.Form, name, len(canaries))
			}
		}
	}
}
