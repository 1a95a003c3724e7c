package law

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/key"
)

const (
	registration   key.ServiceKey = "99050012104000"
	change         key.ServiceKey = "99050012071000"
	deregistration key.ServiceKey = "99050012070000"
)

var november = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func load(t *testing.T) Book {
	t.Helper()
	b, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// counted are the numbers of fields per recipient number, counted by hand in GewAnzV § 3, the signature included where
// the list does not except it (only "previous").
var counted = map[string]map[string]int{
	"GewA1": {
		"1": 27, "2": 28, "3": 24, "3a": 24, "10": 24, "4": 9, "5": 30, "6": 28, "7": 30, "9": 21, "11": 17, "12": 19,
		"13": 21, "14": 32, "previous": 33, "8": 0,
	},
	"GewA2": {
		"1": 25, "2": 26, "3": 22, "3a": 22, "10": 22, "4": 10, "5": 28, "6": 25, "9": 20, "11": 19, "12": 20, "13": 21,
		"14": 29, "7": 0, "8": 0,
	},
	"GewA3": {
		"1": 28, "2": 28, "3": 25, "3a": 25, "10": 25, "4": 9, "5": 11, "6": 28, "8": 17, "9": 22, "11": 17, "12": 16,
		"13": 22, "14": 29, "7": 0,
	},
}

func TestTheListsOfTheOrdinanceExpandToTheNumbersCountedByHand(t *testing.T) {
	t.Parallel()
	s, b := source{embedded}, load(t)
	entries, err := s.readEntries(matrix{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]int{"GewA1": {}, "GewA2": {}, "GewA3": {}}
	for _, e := range entries {
		fields, err := e.expand(b.FormFields(strings.ToLower(e.form)))
		if err != nil {
			t.Fatalf("%s %s: %v", e.form, e.number, err)
		}
		got[e.form][e.number] = len(fields)
	}
	if diff := cmp.Diff(counted, got); diff != "" {
		t.Errorf("fields per recipient (-counted +expanded):\n%s", diff)
	}
}

func TestTheRowsHoldTheListsWithoutTheSignature(t *testing.T) {
	t.Parallel()
	b := load(t)
	byRole := map[authority.Role]string{}
	for _, r := range b.Recipients() {
		byRole[r.Role] = r.Number
	}
	seen := 0
	for _, r := range b.AllRows() {
		form := map[string]string{"gewa1": "GewA1", "gewa2": "GewA2", "gewa3": "GewA3"}[r.Form]
		want := counted[form][byRole[r.Role]]
		switch r.Role {
		case authority.Previous:
			want = 32
		case authority.Lead:
			want = map[string]int{"gewa1": 32, "gewa3": 29}[r.Form]
		}
		if len(r.Fields) != want {
			t.Errorf("%s %s: %d fields, want %d", r.Form, r.Role, len(r.Fields), want)
		}
		for _, signature := range []string{"gewa1.33", "gewa2.30", "gewa3.30"} {
			if _, ok := r.Fields[signature]; ok {
				t.Errorf("%s %s holds the signature", r.Form, r.Role)
			}
		}
		seen++
	}
	if seen != 15+13+14+2 { // without the recipients marked "none", with two rows for the lead authority
		t.Errorf("%d rows, want 44", seen)
	}
}

func TestFeatureDS07TheWeightsAuthorityAndTheChamberHaveTheirLists(t *testing.T) {
	t.Parallel()
	b := load(t)
	eich := b.Rows(registration, "weights_and_measures", november)[0]
	want := []string{"gewa1.1", "gewa1.11", "gewa1.14", "gewa1.15", "gewa1.18", "gewa1.20", "gewa1.3", "gewa1.4", "gewa1.5"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(eich.Fields))); diff != "" {
		t.Errorf("weights and measures (-want +got):\n%s", diff)
	}
	ihk := b.Rows(registration, "chamber_of_commerce", november)[0]
	for _, n := range []string{"13", "27", "29", "30", "31", "33"} {
		if _, ok := ihk.Fields["gewa1."+n]; ok {
			t.Errorf("the chamber of commerce holds field %s", n)
		}
	}
	if len(ihk.Fields) != 27 {
		t.Errorf("the chamber of commerce has %d fields, want 27", len(ihk.Fields))
	}
}

func TestARowSaysNormPurposeConditionsAndWhatIsDesign(t *testing.T) {
	t.Parallel()
	b := load(t)
	got := b.Rows(deregistration, "register_court", november)
	if len(got) != 1 {
		t.Fatalf("%d rows, want 1", len(got))
	}
	got[0].Fields = nil
	want := Row{
		Service: deregistration, Form: "gewa3", Role: "register_court", Kind: "register_court", Basis: "eu-gdpr:A6-1-c",
		Norm: "GewAnzV § 3(1) no. 8; GewO § 14(8) no. 8", Jurisdiction: "DE",
		Begins:     time.Date(2025, 10, 31, 23, 0, 0, 0, time.UTC),
		Conditions: map[string]any{"not_waived": true, "register_entry": true},
		Purposes:   []string{"notice.inform"}, Retain: "P2Y", Mark: "verified",
		Design: []string{"basis", "begins", "ends", "jurisdiction", "kind", "purposes", "retain", "role"},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("row of the register court (-want +got):\n%s", diff)
	}
}

func TestConditionsAndPurposesOfEveryRow(t *testing.T) {
	t.Parallel()
	b := load(t)
	type terms struct {
		Conditions map[string]any
		Purpose    string
	}
	want := map[string]terms{}
	for _, service := range []key.ServiceKey{registration, change, deregistration} {
		for _, r := range b.Recipients() {
			want[string(service)+" "+string(r.Role)] = terms{map[string]any{"not_waived": true}, "notice.inform"}
		}
		want[string(service)+" immigration"] = terms{map[string]any{"not_waived": true, "foreign_trader": true}, "notice.inform"}
		want[string(service)+" statistics"] = terms{map[string]any{}, "statistics"}
		want[string(service)+" lead"] = terms{map[string]any{}, "notice.register"}
		delete(want, string(service)+" previous")
	}
	want[string(registration)+" previous"] = terms{map[string]any{"full_move": true}, "notice.forward"}
	want[string(registration)+" customs"] = terms{map[string]any{"not_waived": true, "indications_of_violation": true}, "notice.inform"}
	want[string(change)+" statistics"] = terms{map[string]any{"not_waived": true, "move_or_activity_change": true}, "statistics"}
	want[string(deregistration)+" register_court"] = terms{map[string]any{"not_waived": true, "register_entry": true}, "notice.inform"}
	for _, none := range []string{"register_court", "customs", "lead"} {
		delete(want, string(change)+" "+none)
	}
	delete(want, string(registration)+" register_court")
	delete(want, string(deregistration)+" customs")
	got := map[string]terms{}
	for _, r := range b.AllRows() {
		if len(r.Purposes) != 1 {
			t.Fatalf("%s %s: purposes %v, want one", r.Service, r.Role, r.Purposes)
		}
		got[string(r.Service)+" "+string(r.Role)] = terms{r.Conditions, r.Purposes[0]}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conditions and purposes (-want +got):\n%s", diff)
	}
}

func TestRowsAreThoseInForceAtTheInstant(t *testing.T) {
	t.Parallel()
	b := load(t)
	begins := time.Date(2025, 11, 1, 0, 0, 0, 0, time.FixedZone("CET", 3600))
	if n := len(b.Rows(registration, authority.Previous, begins)); n != 1 {
		t.Errorf("%d rows at the first instant, want 1", n)
	}
	if n := len(b.Rows(registration, authority.Previous, begins.Add(-time.Second))); n != 0 {
		t.Errorf("%d rows before the first instant, want none", n)
	}
	r := Row{Service: registration, Role: "x", Begins: begins, Ends: begins.AddDate(1, 0, 0)}
	b.rows = []Row{r}
	if n := len(b.Rows(registration, "x", r.Ends)); n != 0 {
		t.Errorf("%d rows at the end, want none: the end is exclusive", n)
	}
}

func TestWhatABookReturnsIsTheCallersCopy(t *testing.T) {
	t.Parallel()
	b := load(t)
	r := b.Rows(registration, "customs", november)[0]
	r.Fields["gewa1.33"], r.Conditions["not_waived"], r.Purposes[0] = "signature", false, "other"
	again := b.Rows(registration, "customs", november)[0]
	if again.Fields["gewa1.33"] != "" || again.Conditions["not_waived"] != true || again.Purposes[0] != "notice.inform" {
		t.Errorf("the book changed with the caller's copy: %+v", again)
	}
}

func TestTheFormsHaveTheirClosedFieldLists(t *testing.T) {
	t.Parallel()
	b := load(t)
	for form, n := range map[string]int{"gewa1": 33, "gewa2": 30, "gewa3": 30, "GewA1": 0, "other": 0} {
		if got := len(b.FormFields(form)); got != n {
			t.Errorf("%s: %d fields, want %d", form, got, n)
		}
	}
	want := FormField{
		Form: "gewa1", Number: "13", ID: "gewa1.13", NameDE: "Beteiligung der öffentlichen Hand",
		NameEN: "participation of the public sector", Group: "ownership", Mark: "verified",
	}
	if diff := cmp.Diff(want, b.FormFields("gewa1")[12]); diff != "" {
		t.Errorf("field 13 (-want +got):\n%s", diff)
	}
}

func TestARecipientIsFoundByItsRole(t *testing.T) {
	t.Parallel()
	b := load(t)
	got, ok := b.Recipient("occupational_safety")
	if !ok || got.Number != "3a" || got.NameDE != "Arbeitsschutzbehörde" {
		t.Errorf("occupational_safety = %+v, %t", got, ok)
	}
	if _, ok := b.Recipient("none"); ok {
		t.Error(`"none" is a recipient`)
	}
	if b.Retain() != "P2Y" {
		t.Errorf("retain = %q, want P2Y", b.Retain())
	}
}

// changed is the embedded law with one text of one file replaced.
func changed(t *testing.T, file, old, replacement string) source {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(embedded, "data/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "data/"+file {
			if !strings.Contains(string(raw), old) {
				t.Fatalf("%s does not contain %q", file, old)
			}
			raw = []byte(strings.Replace(string(raw), old, replacement, 1))
		}
		files[name] = &fstest.MapFile{Data: raw}
	}
	return source{files}
}

func TestLoadRefusesLawThatContradictsItself(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, old, replacement, want string }{
		{"a number that the form lacks", "gewanzv_recipients.csv", "13 27 29 30 31 33,", "13 27 29 30 31 34,", "the form has no such field"},
		{"a number named twice", "gewanzv_recipients.csv", "13 27 29 30 31 33,", "13 27 29 30 31 31,", "named twice"},
		{"an unknown mode", "gewanzv_recipients.csv", "chamber of crafts,all_except", "chamber of crafts,except", "mode"},
		{"fields that go nowhere", "gewanzv_recipients.csv", "register court,none,,", "register court,none,1,", "mode none"},
		{"an unknown condition", "gewanzv_recipients.csv", "not_waived", "not_waved", `condition "not_waved"`},
		{"an unknown recipient", "gewanzv_recipients.csv", "GewA1,1,", "GewA1,99,", `recipient "99"`},
		{"a recipient twice", "gewanzv_recipients.csv", "GewA1,1,", "GewA1,2,", "two rows are in force"},
		{"a row without norm", "gewanzv_recipients.csv", "GewAnzV § 3(3); GewO § 14(8) no. 7", "", "norm and mark"},
		{"another column", "gewanzv_recipients.csv", "recipient_de", "recipient", "columns"},
		{"a field twice", "gewanzv_fields.csv", "GewA1,2,", "GewA1,1,", "listed twice"},
		{"a field without group", "gewanzv_fields.csv", ",person_name,derived", ",,derived", "are required"},
		{"a role twice", "recipients.csv", "2,chamber_of_crafts,", "2,chamber_of_commerce,", "listed twice"},
		{"a recipient without kind", "recipients.csv", "customs,customs,", "customs,,", "every column"},
		{"an unknown member", "matrix.yaml", "retain:", "retention:", "field retention not found"},
		{"a missing period", "matrix.yaml", "retain: P2Y", "retain: ''", "retain is required"},
		{"a missing begin", "matrix.yaml", "begins: 2025-11-01", "", "begins is required"},
		{"a form without service", "matrix.yaml", "GewA2:", "GewA4:", `form "GewA2" has no service`},
		{"a service key that is none", "matrix.yaml", "99050012071000", "99", "service key"},
		{"an unknown silence effect", "deadlines.yaml", "silence_effect: NONE", "silence_effect: YES", "silence effect"},
		{"a period and undue delay", "deadlines.yaml", "undue_delay: true", "undue_delay: true\n  days: 2", "either a period"},
		{"silence that decides at no instant", "deadlines.yaml", "undue_delay: true\n  start_event: acknowledge # the certificate; the norm names no start\n  silence_effect: NONE", "undue_delay: true\n  start_event: acknowledge\n  silence_effect: DISREGARDABLE", "silence decides at a due instant"},
		{"a deadline without norm", "deadlines.yaml", "legal_basis: GewO § 15(1)", "legal_basis: ''", "are required"},
		{"a deadline twice", "deadlines.yaml", "gewo-14-1-s3", "gewo-15-1", "two records are in force"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := changed(t, c.file, c.old, c.replacement).load()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("load = %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestFurtherLawIsCheckedLikeThatOfTheBook(t *testing.T) {
	t.Parallel()
	b := load(t)
	further := DeadlineRecord{
		ID: "baybo-65", Instrument: "consultation", LegalBasis: "BayBO Art. 65", Jurisdiction: "DE-BY", Days: 30, StartEvent: "receipt",
		SilenceEffect: Disregardable, Begins: november, Mark: "design",
	}
	row := Row{
		Service: "local:hearing", Form: "hearing", Role: "lead", Kind: "trade_office", Basis: "eu-gdpr:A6-1-c", Norm: "BayBO Art. 65",
		Jurisdiction: "DE-BY", Begins: november, Purposes: []string{"notice.register"}, Fields: map[string]string{"hearing.1": "activity"}, Mark: "design",
	}
	more, err := b.With([]DeadlineRecord{further}, []Row{row})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := more.Deadline("baybo-65", november); err != nil || got.SilenceEffect != Disregardable || got.Days != further.Days {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.Deadline("baybo-65", november); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("the book itself was changed: %v", err)
	}
	if _, err := more.With([]DeadlineRecord{further}, nil); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("the same record twice: %v", err)
	}
	if got := more.Rows("local:hearing", "lead", november); len(got) != 1 || got[0].Norm != row.Norm || len(b.Rows("local:hearing", "lead", november)) != 0 {
		t.Errorf("rows %+v", got)
	}
	if _, err := more.With(nil, []Row{row}); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("the same row twice: %v", err)
	}
}

func TestADeadlineIsFoundByIdAndInstant(t *testing.T) {
	t.Parallel()
	b := load(t)
	d, err := b.Deadline("gewo-15-1", november)
	if err != nil || d.Days != 3 || d.SilenceEffect != None || d.LegalBasis != "GewO § 15(1)" || d.Mark != "verified" {
		t.Errorf("gewo-15-1 = %+v, %v", d, err)
	}
	for _, id := range []string{"gewo-15-2", ""} {
		if _, err := b.Deadline(id, november); contracts.KindOf(err) != contracts.NotFound {
			t.Errorf("deadline %q = %v, want not found", id, err)
		}
	}
	if _, err := b.Deadline("gewo-15-1", november.AddDate(-2, 0, 0)); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("deadline before its begin = %v, want not found", err)
	}
	if n := len(b.Deadlines()); n != 2 {
		t.Errorf("%d deadlines, want 2", n)
	}
}
