//go:build faults

package scenario

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/contracts/contractstest"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/service"
)

const (
	registration = key.ServiceKey("99050012104000")
	muenchen     = "091620000000"
)

var packages = sync.OnceValues(service.Load)

func packageOf(tb testing.TB, k key.ServiceKey) service.Package {
	tb.Helper()
	all, err := packages()
	if err != nil {
		tb.Fatal(err)
	}
	return all[slices.IndexFunc(all, func(p service.Package) bool { return p.Service == k })]
}

// application is the n-th example with canaries for every free text, and the same business in the register of the office
// that it leaves.
func application(tb testing.TB, n int) (map[string]any, []string, offices.Entry) {
	tb.Helper()
	pkg := packageOf(tb, registration)
	names := slices.Sorted(maps.Keys(pkg.Examples))
	var plain map[string]any
	if err := json.Unmarshal(pkg.Examples[names[n%len(names)]], &plain); err != nil {
		tb.Fatal(err)
	}
	app, canaries := contractstest.Canary(plain, pkg.Schema, "FORM")
	entries, err := offices.Register()
	if err != nil {
		tb.Fatal(err)
	}
	person, _ := app["person"].(map[string]any)
	business, _ := app["business"].(map[string]any)
	text := func(m map[string]any, member string) string { s, _ := m[member].(string); return s }
	entry := entries[0]
	entry.Identity = offices.Identity{
		RegisteredName: text(business, "registered_name"), FamilyName: text(person, "family_name"),
		GivenNames: text(person, "given_names"), BirthDate: text(person, "birth_date"),
	}
	return app, canaries, entry
}

// fieldsOf tells for each canary the fields of the form that hold it.
func fieldsOf(tb testing.TB, k string, app map[string]any, canaries []string) map[string][]string {
	tb.Helper()
	pkg := packageOf(tb, key.ServiceKey(k))
	out := map[string][]string{}
	for _, field := range pkg.AllFields() {
		raw, err := json.Marshal(pkg.Filter(app, []string{field}))
		if err != nil {
			tb.Error(err)
		}
		for _, canary := range canaries {
			if strings.Contains(string(raw), canary) {
				out[canary] = append(out[canary], field)
			}
		}
	}
	return out
}
