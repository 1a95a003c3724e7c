package demo

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/service"
	"github.com/efa-broker/efa-broker/contracts/services"
)

const gewa1 key.ServiceKey = "99050012104000"

// examples lists the names of the registration's examples.
func examples(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(services.Files, string(gewa1)+"/examples/*.json")
	if err != nil || len(names) != 3 {
		t.Fatalf("found examples %v (%v), want 3", names, err)
	}
	for i, n := range names {
		names[i] = n[strings.LastIndex(n, "/")+1:]
	}
	return names
}

func example(t *testing.T, s key.ServiceKey, name string) []byte {
	t.Helper()
	raw, err := services.Files.ReadFile(string(s) + "/examples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func deregistrationPackage(t *testing.T) service.Package {
	t.Helper()
	packages, err := service.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if p.Service == gewa3 {
			return p
		}
	}
	t.Fatal("there is no package of the deregistration")
	return service.Package{}
}

func TestDeregistrationIsDrawnUpFieldByField(t *testing.T) {
	t.Parallel()
	pack := deregistrationPackage(t)
	entries := register(t)
	today := time.Date(2026, 11, 25, 23, 30, 0, 0, germany())
	for _, name := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n notice
			if err := json.Unmarshal(example(t, gewa1, name), &n); err != nil {
				t.Fatal(err)
			}
			who, err := n.identity()
			if err != nil {
				t.Fatal(err)
			}
			entry, ok := find(entries, who)
			if !ok {
				t.Fatal("the register does not know the business")
			}
			got, err := drawUp(n, entry, today)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tree(t, example(t, gewa3, name)), tree(t, got)); diff != "" {
				t.Error(diff)
			}
			if problems := pack.Validate(got); len(problems) > 0 {
				t.Errorf("the schema refuses it: %v", problems)
			}
			if region, err := n.region(); err != nil || region != "095640000000" {
				t.Errorf("filed in %s (%v), want Nürnberg", region, err)
			}
		})
	}
}

func TestTheDayBeforeCrossesMonthsAndYears(t *testing.T) {
	t.Parallel()
	for start, end := range map[string]string{
		"2026-12-01": "2026-11-30", "2027-01-01": "2026-12-31", "2028-03-01": "2028-02-29", "2026-10-25": "2026-10-24",
	} {
		n := notice{Business: json.RawMessage(`{}`), Person: json.RawMessage(`{}`), PlaceOfBusiness: json.RawMessage(`{}`), FormerPlace: json.RawMessage(`{}`)}
		n.Activity.StartDate = start
		raw, err := drawUp(n, Entry{Activity: EntryActivity{Workers: json.RawMessage(`{}`)}, Establishment: json.RawMessage(`{}`)}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), `"end_date":"`+end+`"`) {
			t.Errorf("start %s: got %s, want the end on %s", start, raw, end)
		}
	}
}

func TestFaultsOfANoticeAreNamedWithoutTheirValue(t *testing.T) {
	t.Parallel()
	var n notice
	n.Activity.StartDate = "Zirngibl"
	n.FormerPlace = json.RawMessage(`{"region_key":"Zirngibl"}`)
	_, err := drawUp(n, Entry{}, time.Now())
	if err == nil || strings.Contains(err.Error(), "Zirngibl") {
		t.Errorf("date: %v", err)
	}
	if _, err := n.region(); err == nil || strings.Contains(err.Error(), "Zirngibl") {
		t.Errorf("region: %v", err)
	}
	if _, err := n.identity(); err == nil {
		t.Error("a notice without fields 1, 4, 5 and 8 has an identity")
	}
}

func TestTheRegisterFindsByAllFourFields(t *testing.T) {
	t.Parallel()
	entries := register(t)
	known := entries[0].Identity
	for name, tt := range map[string]struct {
		change func(*Identity)
		want   bool
	}{
		"as written":             {func(*Identity) {}, true},
		"other case and blanks":  {func(i *Identity) { i.FamilyName = "  HOLLWECK " }, true},
		"another name of a firm": {func(i *Identity) { i.RegisteredName = "Lindenhof" }, false},
		"another family name":    {func(i *Identity) { i.FamilyName = "Zirngibl" }, false},
		"another given name":     {func(i *Identity) { i.GivenNames = "Annegret" }, false},
		"another date of birth":  {func(i *Identity) { i.BirthDate = "1979-03-15" }, false},
	} {
		who := known
		tt.change(&who)
		if _, got := find(entries, who); got != tt.want {
			t.Errorf("%s: found %v, want %v", name, got, tt.want)
		}
	}
}

func register(t *testing.T) []Entry {
	t.Helper()
	entries, err := Register()
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d entries (%v), want 3", len(entries), err)
	}
	return entries
}

func tree(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
