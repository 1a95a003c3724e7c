package contractstest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/contractstest"
)

const schema = `{
  "type": "object",
  "properties": {
    "name": { "$ref": "#/$defs/text", "maxLength": 60 },
    "short": { "$ref": "#/$defs/text", "maxLength": 18 },
    "shorter": { "$ref": "#/$defs/text", "maxLength": 8 },
    "code": { "enum": ["a", "b"] },
    "fixed": { "const": "x" },
    "day": { "type": "string", "format": "date" },
    "key": { "type": "string", "pattern": "^[0-9]{12}$" },
    "phone": { "type": "string", "pattern": "^\\+?[0-9][0-9 ()/-]{3,29}$" },
    "mail": { "type": "string", "format": "email" },
    "web": { "type": "string", "format": "uri" },
    "people": { "type": "array", "items": { "$ref": "#/$defs/person" } }
  },
  "$defs": {
    "text": { "type": "string", "minLength": 1, "pattern": "^\\P{C}+$" },
    "person": { "type": "object", "properties": { "name": { "$ref": "#/$defs/text" }, "age": { "type": "integer" } } }
  }
}`

func TestCanariesReplaceEveryFreeTextAndNothingElse(t *testing.T) {
	t.Parallel()
	app := map[string]any{
		"name": "n", "short": "s", "shorter": "s", "code": "a", "fixed": "x", "day": "2026-01-02", "key": "091620000000",
		"phone": "+49 89 1", "mail": "a@b.de", "web": "https://b.de",
		"people": []any{map[string]any{"name": "p", "age": 3}, map[string]any{"name": "q"}},
	}
	got, canaries := contractstest.Canary(app, []byte(schema), "Demo")
	if app["name"] != "n" || app["people"].([]any)[0].(map[string]any)["name"] != "p" {
		t.Fatal("the application itself was changed")
	}
	for _, same := range []string{"shorter", "code", "fixed", "day", "key"} {
		if got[same] != app[same] {
			t.Errorf("%s became %v", same, got[same])
		}
	}
	people := got["people"].([]any)
	made := []string{
		got["name"].(string), got["short"].(string), got["phone"].(string), got["mail"].(string), got["web"].(string),
		people[0].(map[string]any)["name"].(string), people[1].(map[string]any)["name"].(string),
	}
	for i, form := range []string{"CANARY-Demo-", "", "+49", "canary-demo-", "https://canary-demo-", "CANARY-Demo-", "CANARY-Demo-"} {
		if !strings.HasPrefix(made[i], form) {
			t.Errorf("got %q, want prefix %q", made[i], form)
		}
	}
	if len(made[1]) > 18 || people[0].(map[string]any)["age"] != 3 {
		t.Errorf("got %v", got)
	}
	slices.Sort(made)
	slices.Sort(canaries)
	if d := cmp.Diff(made, canaries); d != "" {
		t.Error(d)
	}
	if len(slices.Compact(canaries)) != len(made) {
		t.Error("two canaries are the same")
	}
}

func TestClockAndIDsAreTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	c := contractstest.NewClock()
	c.Advance(90 * time.Minute)
	if got := c.Now().Format(time.RFC3339); got != "2026-11-25T11:00:00Z" {
		t.Errorf("got %s", got)
	}
	var ids contractstest.IDs
	ids.Next()
	if got := ids.Next(); got != "00000000-0000-4000-8000-000000000002" {
		t.Errorf("got %s", got)
	}
}

func TestBuildersNameTheirRole(t *testing.T) {
	t.Parallel()
	office := contractstest.System("gewerbeamt-muenchen", "muenchen")
	if office.Authority != "gewerbeamt-muenchen" || office.ID != "gewerbeamt-muenchen" || office.Tenant != "muenchen" {
		t.Errorf("got %+v", office)
	}
	if p, o := contractstest.Portal(), contractstest.OperatorAdmin(); p.Authority != "" || o.Tenant != "" || p.Operator != o.Operator {
		t.Errorf("got %+v and %+v", p, o)
	}
}
