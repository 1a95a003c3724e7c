package policies

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// twin decides a request in plain Go, written from the norms: what stays open for each field; nothing open means
// released. It exists to find faults of rules and engine, and decides nothing in the product.
func twin(book law.Book, in decision.Input) (open map[string][]string, norm string) {
	now, err := time.Parse(time.RFC3339, in.Now)
	if err != nil {
		panic(err) // the generator writes it
	}
	var row *law.Row
	for _, r := range book.Rows(in.Service, in.Recipient.Role, now) {
		if r.Basis == in.Basis {
			row, norm = &r, r.Norm
		}
	}
	var transfer []string
	if row == nil || !conditionsHold(row.Conditions, in.Facts) {
		transfer = append(transfer, "basis.lawful") // Art. 6(1): a law with its conditions
	}
	if row == nil || !slices.Contains(row.Purposes, in.Purpose) {
		transfer = append(transfer, "purpose.bound") // Art. 5(1)(b)
	}
	if row == nil || row.Kind != in.Recipient.Kind || in.Recipient.Role == decision.NoRole {
		transfer = append(transfer, "recipient.kind") // Art. 6(3)
	}
	open = map[string][]string{}
	for _, id := range in.Fields {
		codes := slices.Clone(transfer)
		if in.Stage == decision.Concrete && (row == nil || row.Fields[id] == "") {
			codes = append(codes, "field.listed") // Art. 5(1)(c)
		}
		slices.Sort(codes)
		open[id] = codes
	}
	return open, norm
}

func conditionsHold(conditions map[string]any, facts fact.Values) bool {
	for name, want := range conditions {
		if facts[name] != want {
			return false
		}
	}
	return true
}

// draw is a random request: mostly close to the law, sometimes off it in one or several members.
func draw(r *rand.Rand, book law.Book) decision.Input {
	pick := func(usual string, others ...string) string {
		if r.IntN(8) > 0 {
			return usual
		}
		return others[r.IntN(len(others))]
	}
	form := []string{"gewa1", "gewa2", "gewa3"}[r.IntN(3)]
	recipients := book.Recipients()
	rec := recipients[r.IntN(len(recipients))]
	in := asking(book, form, rec)
	in.Now = pick(in.Now, "2025-10-31T22:59:59Z", "2025-10-31T23:00:00Z", "2025-11-01T00:00:00Z", "2024-01-01T00:00:00Z", "2999-01-01T00:00:00Z")
	in.Stage = []decision.Stage{decision.Abstract, decision.Concrete, decision.Concrete}[r.IntN(3)]
	in.Service = key.ServiceKey(pick(string(in.Service), string(registration), string(change), string(deregistration), "99050012000000", "local:other"))
	in.Basis = pick(in.Basis, "eu-gdpr:A6-1-e", "eu-gdpr:A6-1-a")
	in.Purpose = pick(in.Purpose, append(purposes(), "notice", "permit.decide")...)
	in.Recipient.Kind = authority.Kind(pick(string(in.Recipient.Kind), "building_authority", "trade_office", "tax_office", "none"))
	in.Recipient.Role = authority.Role(pick(string(in.Recipient.Role), "none", "lead", "previous", "customs", "other"))
	r.Shuffle(len(in.Fields), func(i, j int) { in.Fields[i], in.Fields[j] = in.Fields[j], in.Fields[i] })
	in.Fields = in.Fields[:1+r.IntN(len(in.Fields))]
	if r.IntN(4) == 0 {
		in.Fields = append(in.Fields, form+".99", "other.1")
	}
	in.Facts = fact.Values{"register": "commercial", "employees": int64(r.IntN(9))}
	for _, f := range facts() {
		if n := r.IntN(10); n > 0 {
			in.Facts[f] = n > 1
		}
	}
	return in
}

// compare reports how the decision differs from the twin's; "" means not at all.
func compare(book law.Book, in decision.Input, doc decision.Document, err error) string {
	if err != nil {
		return err.Error()
	}
	open, norm := twin(book, in)
	got := map[string][]string{}
	for id := range doc.Release {
		got[id] = nil
	}
	maps.Copy(got, doc.Withhold)
	for id, codes := range open {
		if len(codes) == 0 {
			open[id] = nil
		}
	}
	diff := cmp.Diff(open, got)
	if doc.LegalBasis != norm {
		diff += fmt.Sprintf("legal basis %q, want %q", doc.LegalBasis, norm)
	}
	return diff
}

// randomRequests is how many requests the twin decides: 3,000, and 100,000 in the nightly run.
func randomRequests() int {
	if os.Getenv("EFA_NIGHTLY") != "" {
		return 100_000
	}
	return 3000
}

func TestThousandsOfRandomRequestsAreDecidedLikeTheTwin(t *testing.T) {
	t.Parallel()
	e, book := setup(t)
	const seed = 20261125
	r := rand.New(rand.NewPCG(seed, 0))
	outcomes := map[string]int{}
	for i := range randomRequests() {
		in := draw(r, book)
		doc, err := e.Decide(t.Context(), in)
		if diff := compare(book, in, doc, err); diff != "" {
			t.Fatalf("seed %d, request %d: %+v\n(-twin +engine)\n%s", seed, i, in, diff)
		}
		outcomes[string(in.Stage)+" "+string(doc.Outcome)]++
		for id, f := range doc.Release {
			if in.Stage == decision.Concrete && f != (decision.Field{Effect: effectAllow, Group: groupOf(book, id)}) {
				t.Fatalf("seed %d, request %d: %s leaves as %+v", seed, i, id, f)
			}
		}
	}
	t.Logf("%d requests decided alike: %v", randomRequests(), outcomes)
	for _, kind := range []string{"abstract release", "abstract refuse", "concrete release", "concrete partial", "concrete refuse"} {
		if outcomes[kind] < 50 {
			t.Errorf("only %d of the requests were of kind %q: %v", outcomes[kind], kind, outcomes)
		}
	}
}

// groupOf is the data group of a field.
func groupOf(book law.Book, id string) string {
	for form := range forms() {
		for _, f := range book.FormFields(form) {
			if f.ID == id {
				return f.Group
			}
		}
	}
	return ""
}
