package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// signature is the field of each form that never leaves: it does not exist in an electronic notice (GewAnzV § 2(1)).
var signature = map[string]int{"gewa1": 33, "gewa3": 30}

// ordinance reads the field list of every recipient_no of a form straight from the table of the ordinance, so that it
// stands on nothing that the broker computes with.
func ordinance(t *testing.T, form string) map[string][]string {
	t.Helper()
	f, err := os.Open(filepath.FromSlash("../../../contracts/law/data/gewanzv_recipients.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, row := range rows[1:] {
		if strings.ToLower(row[0]) != form || row[4] == "none" {
			continue
		}
		listed := strings.Fields(row[5])
		for n := 1; n < signature[form]; n++ {
			if slices.Contains(listed, strconv.Itoa(n)) == (row[4] == "only") {
				out[row[1]] = append(out[row[1]], form+"."+strconv.Itoa(n))
			}
		}
	}
	return out
}

// numberOf is the recipient_no of each kind of office (GewO § 14(8)).
var numberOf = map[authority.Kind]string{
	"chamber_of_commerce": "1", "chamber_of_crafts": "2", "immission_protection": "3", "occupational_safety": "3a",
	"weights_and_measures": "4", "employment_agency": "5", "accident_insurance": "6", "customs": "7", "register_court": "8",
	"statistics": "9", "food_safety": "10", "pension_insurance": "11", "immigration": "12", "tax_office": "13", "trade_permit": "14",
}

// obtained reads what each office was handed, by form and authority.
func obtained(t *testing.T, dir string) map[string]map[authority.ID]backoffice.Fetched {
	t.Helper()
	out := map[string]map[authority.ID]backoffice.Fetched{}
	for path, raw := range files(t, dir) {
		var got backoffice.Fetched
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if out[got.Form] == nil {
			out[got.Form] = map[authority.ID]backoffice.Fetched{}
		}
		out[got.Form][authority.ID(filepath.Base(filepath.Dir(path)))] = got
	}
	return out
}

// applicationOf is the application as an office holds it.
func applicationOf(t *testing.T, f backoffice.Fetched) map[string]any {
	t.Helper()
	var app map[string]any
	if err := json.Unmarshal(f.Body, &app); err != nil {
		t.Fatal(err)
	}
	return app
}

// TestEveryRecipientObtainsExactlyItsFieldsInEveryExampleAndBothDirections is the heart of the product: the bytes that
// the offices received, against the ordinance.
func TestEveryRecipientObtainsExactlyItsFieldsInEveryExampleAndBothDirections(t *testing.T) {
	t.Parallel()
	recipients := map[string][2]int{"01-einzelkauffrau.json": {12, 13}, "02-gmbh.json": {12, 13}, "03-gbr.json": {13, 13}}
	h := open(t, t.TempDir())
	kinds := h.kinds()
	form1, form3 := packageOf(t, registration), packageOf(t, deregistration)
	dir := h.play(offices.Config{})
	for _, name := range exampleNames(form1) {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		app := example(t, form1, name)
		first := h.whole(h.submit(app))
		second := h.whole(first.second)
		if got := [2]int{len(first.announced), len(second.announced)}; got != recipients[name] {
			t.Errorf("%s: %v recipients, want %v", name, got, recipients[name])
		}
		got := obtained(t, dir)
		drawnUp := applicationOf(t, got["gewa3"]["erlaubnis-nuernberg"]) // every field of GewA3 but the signature
		for _, c := range []struct {
			form   string
			app    map[string]any
			fields func(map[string]any) []string
			filter func(map[string]any, []string) map[string]any
			told   []authority.ID
		}{
			{"gewa1", app, form1.FieldsOf, form1.Filter, append(first.announced, "gewerbeamt-muenchen", "gewerbeamt-nuernberg")},
			{"gewa3", drawnUp, form3.FieldsOf, form3.Filter, second.announced},
		} {
			lists := ordinance(t, c.form)
			if len(got[c.form]) != len(c.told) {
				t.Errorf("%s %s: %d offices hold something, %d were told", name, c.form, len(got[c.form]), len(c.told))
			}
			for _, office := range c.told {
				list := lists[numberOf[kinds[office]]]
				if kinds[office] == "trade_office" {
					list = lists["previous"]
					if c.form == "gewa1" && office == "gewerbeamt-muenchen" {
						list = lists["14"] // the competent office obtains every field of the notice filed with it
					}
				}
				x := got[c.form][office]
				held := applicationOf(t, x)
				if diff := cmp.Diff(list, x.Released); diff != "" {
					t.Errorf("%s: fields released to %s: %s", name, office, diff)
				}
				if diff := cmp.Diff(c.filter(c.app, list), held); diff != "" {
					t.Errorf("%s: content of %s for %s: %s", name, c.form, office, diff)
				}
				if has := c.fields(held); slices.ContainsFunc(has, func(f string) bool { return !slices.Contains(list, f) }) {
					t.Errorf("%s: %s holds %v, listed are %v", name, office, has, list)
				}
			}
		}
	}
	h.verified()
}

func (h *house) kinds() map[authority.ID]authority.Kind {
	h.tb.Helper()
	authorities, err := h.program.broker.Authorities(h.tb.Context())
	if err != nil {
		h.tb.Fatal(err)
	}
	out := map[authority.ID]authority.Kind{}
	for _, a := range authorities {
		out[a.ID] = a.Kind
	}
	return out
}

// TestEveryDisclosureHasItsRecordAndReplaysAlike walks the log: one complete record each, replayed to the same answer.
func TestEveryDisclosureHasItsRecordAndReplaysAlike(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	h.play(offices.Config{})
	pkg := packageOf(t, registration)
	first := h.whole(h.submit(example(t, pkg, exampleNames(pkg)[0])))
	operator := h.as("operator-bayern")
	list := h.disclosures(first.events[0].Case)
	if len(list) != 14 {
		t.Errorf("%d disclosures, want 12 recipients and both trade offices", len(list))
	}
	for _, d := range list {
		if d.ID == "" || d.Recipient == "" || d.Purpose == "" || d.LegalBasis == "" || d.PolicyRevision == "" || len(d.Fields) == 0 || d.Fetches != 1 || d.DecidedAt.IsZero() {
			t.Errorf("incomplete: %+v", d)
		}
		answer, err := operator.ReplayDecisionWithResponse(t.Context(), mustUUID(t, d.Decision))
		if err != nil {
			t.Fatal(err)
		}
		if answer.JSON200 == nil || !answer.JSON200.Identical || answer.JSON200.PolicyRevision != d.PolicyRevision {
			t.Errorf("replay of %s: %+v", d.Decision, answer.JSON200)
		}
	}
	// A stranger gets the same answer as for a reference that does not exist, and leaves a record.
	app := decode[event.CaseSubmitted](t, first.events[0]).Contents[0]
	if app.Kind != content.Application {
		t.Fatalf("the first content is %s", app.Kind)
	}
	stranger := h.as("bauamt-muenchen")
	var texts []string
	for _, id := range []string{string(app.Content), "5f0c9a1e-6c1f-4f43-9a53-1d1cf33dcb6e"} {
		_, err := stranger.FetchContentWithResponse(t.Context(), mustUUID(t, id), ask("gewa1.1"))
		if err == nil {
			t.Fatal("a stranger was answered")
		}
		texts = append(texts, strings.ReplaceAll(err.Error(), client.ErrorIDOf(err), "…"))
	}
	if texts[0] != texts[1] {
		t.Errorf("the answers differ: %q and %q", texts[0], texts[1])
	}
	if list := h.disclosures(first.events[0].Case); !slices.ContainsFunc(list, func(d decision.Disclosure) bool {
		return d.Outcome == decision.Refuse && d.Recipient == "bauamt-muenchen" && len(d.Reasons) > 0
	}) {
		t.Error("the refusal left no record")
	}
}
