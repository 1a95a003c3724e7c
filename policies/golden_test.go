package policies

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// golden compares got with testdata/name; -update rewrites the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-golden +decided); -update rewrites it:\n%s", path, diff)
	}
}

// facts are the names of all conditions of the law's rows.
func facts() []string {
	return []string{"foreign_trader", "full_move", "indications_of_violation", "move_or_activity_change", "not_waived", "register_entry"}
}

// holding are all facts true but one; "" leaves all true.
func holding(but string) fact.Values {
	v := fact.Values{}
	for _, f := range facts() {
		v[f] = f != but
	}
	return v
}

// forms are the trade notices by form.
func forms() map[string]key.ServiceKey {
	return map[string]key.ServiceKey{"gewa1": registration, "gewa2": change, "gewa3": deregistration}
}

// purposes are all purposes of part one.
func purposes() []string {
	return []string{"notice.register", "notice.forward", "notice.inform", "statistics"}
}

// purposeOf is the purpose for which a role is addressed.
func purposeOf(role authority.Role) string {
	switch role {
	case authority.Lead:
		return "notice.register"
	case authority.Previous:
		return "notice.forward"
	case "statistics":
		return "statistics"
	}
	return "notice.inform"
}

// asking is a request of a recipient for every field of a form.
func asking(book law.Book, form string, r law.Recipient) decision.Input {
	in := request()
	in.Service, in.Purpose, in.Facts = forms()[form], purposeOf(r.Role), holding("")
	in.Recipient = decision.Party{Authority: "an-office", Tenant: "a-tenant", Kind: r.Kind, Role: r.Role, Country: "DE"}
	in.Fields = nil
	for _, f := range book.FormFields(form) {
		in.Fields = append(in.Fields, f.ID)
	}
	return in
}

func TestTheTableOfRecipientsAndFieldsIsTheLaws(t *testing.T) {
	t.Parallel()
	e, book := setup(t)
	for form, service := range forms() {
		var out strings.Builder
		fmt.Fprintf(&out, "# Form %s, service %s: the fields that each recipient obtains (x) when every condition of its row holds\n", form, service)
		fmt.Fprintf(&out, "%-21s fields", "recipient")
		for _, f := range book.FormFields(form) {
			fmt.Fprintf(&out, " %2s", f.Number)
		}
		out.WriteString("\n")
		for _, r := range book.Recipients() {
			in := asking(book, form, r)
			doc, err := e.Decide(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%-21s %6d", r.Role, len(doc.Release))
			for _, id := range in.Fields {
				mark := "."
				if _, released := doc.Release[id]; released {
					mark = "x"
				}
				fmt.Fprintf(&out, " %2s", mark)
			}
			out.WriteString("\n")
		}
		golden(t, "disclosure/"+form+".golden", out.String())
	}
}

func TestTheTableOfRecipientsPurposesAndConditionsIsTheLaws(t *testing.T) {
	t.Parallel()
	e, book := setup(t)
	var out strings.Builder
	out.WriteString("# Who learns that there is something for it (abstract decision), and why else not: recipient × purpose, and recipient × one condition that does not hold\n")
	ask := func(in decision.Input, what string) {
		in.Stage = decision.Abstract
		doc, err := e.Decide(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		reasons := strings.Join(doc.Withhold[in.Fields[0]], " ")
		fmt.Fprintf(&out, "%s\n", strings.TrimRight(fmt.Sprintf("  %-33s %-8s %s", what, doc.Outcome, reasons), " "))
	}
	for _, form := range []string{"gewa1", "gewa2", "gewa3"} {
		for _, r := range book.Recipients() {
			fmt.Fprintf(&out, "%s %s\n", form, r.Role)
			for _, purpose := range purposes() {
				in := asking(book, form, r)
				in.Purpose = purpose
				ask(in, purpose)
			}
			if len(rowsOf(book, form, r.Role)) == 0 {
				continue
			}
			for _, f := range facts() {
				in := asking(book, form, r)
				in.Facts = holding(f)
				ask(in, "without "+f)
			}
		}
	}
	golden(t, "disclosure/transfers.golden", out.String())
}

// rowsOf are the rows of a role; a role without one is not asked about conditions.
func rowsOf(book law.Book, form string, role authority.Role) []law.Row {
	return slices.DeleteFunc(book.AllRows(), func(r law.Row) bool { return r.Form != form || r.Role != role })
}

func TestTheSignatureLeavesToNobody(t *testing.T) {
	t.Parallel()
	e, book := setup(t)
	for form, signature := range map[string]string{"gewa1": "gewa1.33", "gewa2": "gewa2.30", "gewa3": "gewa3.30"} {
		for _, r := range book.Recipients() {
			doc, err := e.Decide(t.Context(), asking(book, form, r))
			if err != nil {
				t.Fatal(err)
			}
			if _, released := doc.Release[signature]; released || !slices.Contains(doc.Withhold[signature], "field.listed") {
				t.Errorf("%s: %s obtains the signature", form, r.Role)
			}
		}
	}
}
