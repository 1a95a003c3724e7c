package policies

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
)

const (
	registration   key.ServiceKey = "99050012104000"
	change         key.ServiceKey = "99050012071000"
	deregistration key.ServiceKey = "99050012070000"
)

// patient is a deadline that a loaded machine keeps; the tests of the deadline set their own.
const patient = time.Minute

// setup gives the engine with the embedded bundle, and the law beneath it.
func setup(tb testing.TB) (*Engine, law.Book) {
	tb.Helper()
	book, err := law.Load()
	if err != nil {
		tb.Fatal(err)
	}
	e, err := New(tb.Context(), Config{Law: book, Deadline: patient})
	if err != nil {
		tb.Fatal(err)
	}
	return e, book
}

// engineOn is an engine on a policy that a test has loaded.
func engineOn(p *policy) *Engine {
	e := &Engine{past: newPast(nil), deadline: patient}
	e.policy.Store(p)
	return e
}

// request is a fetch of the weights and measures authority; the law carries it but for field 13.
func request() decision.Input {
	return decision.Input{
		Now: "2026-11-25T12:00:00Z", Stage: decision.Concrete, Service: registration, Package: "sha256:00", Step: "fetch",
		Purpose: "notice.inform", Basis: "eu-gdpr:A6-1-c",
		Sender:    decision.Party{Authority: "gewerbeamt-muenchen", Tenant: "muenchen", Kind: "trade_office", Role: authority.Lead, Country: "DE"},
		Recipient: decision.Party{Authority: "eichamt-bayern", Tenant: "bayern", Kind: "weights_and_measures", Role: "weights_and_measures", Country: "DE"},
		Fields:    []string{"gewa1.1", "gewa1.11", "gewa1.13"},
		Facts:     fact.Values{"not_waived": true, "register": "commercial", "employees": int64(3), "full_move": true},
	}
}

// unlisted is the legend of the only reason that request meets.
func unlisted() map[string]decision.Reason {
	return map[string]decision.Reason{"field.listed": {
		Norm: "GDPR Art. 5(1)(c)",
		Title: map[string]string{
			"de": "Das Feld steht in der Liste des Empfängers",
			"en": "The field is on the recipient's list",
		},
	}}
}

func TestAConcreteDecisionReleasesListedFieldsAndExplainsTheRest(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	got, err := e.Decide(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	want := decision.Document{
		Schema: "decision/1", Stage: decision.Concrete, Outcome: decision.Partial,
		Release: map[string]decision.Field{
			"gewa1.1":  {Effect: "allow", Group: "registered_name"},
			"gewa1.11": {Effect: "allow", Group: "home_address"},
		},
		Withhold: map[string][]string{"gewa1.13": {"field.listed"}}, Reasons: unlisted(),
		Obligations: []decision.Obligation{}, LegalBasis: "GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4", Retain: "P2Y",
		Revision: e.Revision(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
}

func TestAnAbstractDecisionAnswersForEveryFieldAndNamesNoGroup(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	in := request()
	in.Stage, in.Step = decision.Abstract, "inform"
	got, err := e.Decide(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	announce := decision.Field{Effect: "announce"}
	want := decision.Document{
		Schema: "decision/1", Stage: decision.Abstract, Outcome: decision.Release,
		Release:  map[string]decision.Field{"gewa1.1": announce, "gewa1.11": announce, "gewa1.13": announce},
		Withhold: map[string][]string{}, Reasons: map[string]decision.Reason{}, Obligations: []decision.Obligation{},
		LegalBasis: "GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4", Retain: "P2Y", Revision: e.Revision(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
}

func TestAnOfficeOnNoListGetsNothingInEitherStage(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	for stage, codes := range map[decision.Stage][]string{
		decision.Abstract: {"basis.lawful", "purpose.bound", "recipient.kind"},
		decision.Concrete: {"basis.lawful", "field.listed", "purpose.bound", "recipient.kind"},
	} {
		in := request()
		in.Stage = stage
		in.Recipient = decision.Party{Authority: "bauamt-muenchen", Tenant: "muenchen", Kind: "building_authority", Role: decision.NoRole, Country: "DE"}
		got, err := e.Decide(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != decision.Refuse || len(got.Release) != 0 || got.LegalBasis != "" || got.Retain != "P2Y" {
			t.Errorf("%s: %+v", stage, got)
		}
		for _, id := range in.Fields {
			if diff := cmp.Diff(codes, got.Withhold[id]); diff != "" {
				t.Errorf("%s: reasons for %s (-want +got):\n%s", stage, id, diff)
			}
		}
		if len(got.Reasons) != len(codes) {
			t.Errorf("%s: legend has %d codes, want %d", stage, len(got.Reasons), len(codes))
		}
	}
}

func TestTheLawOfTheMomentDecides(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	for now, want := range map[string]decision.Outcome{
		"2025-10-31T22:59:59Z": decision.Refuse, // one second before 1 November in Germany
		"2025-10-31T23:00:00Z": decision.Partial,
	} {
		in := request()
		in.Now = now
		got, err := e.Decide(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != want {
			t.Errorf("at %s: %s, want %s", now, got.Outcome, want)
		}
	}
}

func TestTwoRowsInForceAtOneTimeAreAFaultAndNoDecision(t *testing.T) {
	t.Parallel()
	p, err := loadChanged(t, "law/data.json", rewrite(t, func(row, versions map[string]any) {
		other := maps.Clone(row)
		other["norm"] = "another norm"
		versions["again"] = other
	}))
	if err != nil {
		t.Fatal(err)
	}
	if doc, err := engineOn(p).Decide(t.Context(), request()); contracts.KindOf(err) != contracts.Internal || err == nil {
		t.Errorf("decide = %+v, %v, want an internal error", doc, err)
	}
}

func TestADecisionThatTakesTooLongIsUnavailable(t *testing.T) {
	t.Parallel()
	const slow = `package efa.disclosure

import rego.v2

proof["purpose.bound"] := requested if {
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a + b == -1
}
`
	p, err := loadChanged(t, "efa/disclosure/purpose_bound/purpose_bound.rego", slow)
	if err != nil {
		t.Fatal(err)
	}
	e := engineOn(p)
	e.deadline = 20 * time.Millisecond
	if doc, err := e.Decide(t.Context(), request()); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("decide = %+v, %v, want unavailable", doc, err)
	}
}

func TestACallerWhoWentAwayGetsNoAnswer(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Decide(ctx, request()); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("decide = %v, want unavailable", err)
	}
	if ok, err := e.Allow(ctx, decision.AccessInput{Role: "portal", Action: "case.submit", Relation: "collection"}); ok || contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("allow = %t, %v, want unavailable", ok, err)
	}
}

func TestABrokenBundleChangesNothing(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	before := e.Revision()
	for name, raw := range map[string][]byte{"nothing": nil, "no archive": []byte("x"), "half": e.Bundle()[:len(e.Bundle())/2]} {
		if err := e.Activate(t.Context(), raw); contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: activate = %v, want invalid", name, err)
		}
	}
	if e.Revision() != before {
		t.Error("the revision changed")
	}
	if _, err := e.Decide(t.Context(), request()); err != nil {
		t.Errorf("decide = %v", err)
	}
}

func TestADecisionIsOfOnePolicyAsAWholeWhileAnotherIsActivated(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	first := e.Bundle()
	second, err := loadChanged(t, "law/data.json", rewrite(t, func(row, _ map[string]any) { row["norm"] = "another norm" }))
	if err != nil {
		t.Fatal(err)
	}
	norms := map[string]string{
		revisionOf(first): "GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4", second.revision.Policy: "another norm",
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 50 {
				doc, err := e.Decide(t.Context(), request())
				if err != nil || norms[doc.Revision.Policy] != doc.LegalBasis {
					t.Errorf("decide = %s on %s, %v", doc.LegalBasis, doc.Revision.Policy, err)
					return
				}
			}
		})
	}
	for range 3 {
		for _, raw := range [][]byte{second.raw, first} {
			if err := e.Activate(t.Context(), raw); err != nil {
				t.Error(err)
			}
		}
	}
	readers.Wait()
}

func TestTheSameRulesAndLawGiveTheSameBundle(t *testing.T) {
	t.Parallel()
	a, _ := setup(t)
	b, _ := setup(t)
	if !bytes.Equal(a.Bundle(), b.Bundle()) {
		t.Error("two engines of one version have different bundles")
	}
	if a.Revision() != b.Revision() || a.Revision().Policy != revisionOf(a.Bundle()) || !strings.HasPrefix(a.Revision().Engine, "opa/1.") {
		t.Errorf("revisions %+v and %+v", a.Revision(), b.Revision())
	}
	files, err := readBundle(a.Bundle())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range files.Modules {
		if strings.HasSuffix(m.Path, "_test.rego") {
			t.Errorf("the bundle holds the test %s", m.Path)
		}
	}
}

// store is a Bundles in memory that counts how often it is asked.
type store struct {
	bundles map[string][]byte
	asked   map[string]int
}

func (s *store) Bundle(_ context.Context, revision string) ([]byte, error) {
	s.asked[revision]++
	raw, ok := s.bundles[revision]
	if !ok {
		return nil, contracts.Errorf(contracts.NotFound, "read bundle", "none with this revision")
	}
	return raw, nil
}

func TestReplayAnswersOnThePolicyOfThatTime(t *testing.T) {
	t.Parallel()
	old, err := loadChanged(t, "law/data.json", rewrite(t, func(row, _ map[string]any) { row["norm"] = "old norm" }))
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := engineOn(old).Decide(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	kept := &store{bundles: map[string][]byte{old.revision.Policy: old.raw}, asked: map[string]int{}}
	e, _ := setup(t)
	e.past = newPast(kept)
	for range 3 {
		got, err := e.Replay(t.Context(), old.revision.Policy, request())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(recorded, got); diff != "" {
			t.Errorf("replay (-recorded +replayed):\n%s", diff)
		}
	}
	if n := kept.asked[old.revision.Policy]; n != 1 {
		t.Errorf("the bundle was read %d times, want once", n)
	}
	now, err := e.Decide(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Replay(t.Context(), e.Revision().Policy, request())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(now, again); diff != "" || now.LegalBasis == "old norm" {
		t.Errorf("replay on the policy in force (-decided +replayed):\n%s", diff)
	}
}

func TestReplayRefusesABundleThatIsNotTheOneOfItsRevision(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	e.past = newPast(&store{bundles: map[string][]byte{"sha256:1": e.Bundle()}, asked: map[string]int{}})
	for revision, want := range map[string]contracts.Kind{"sha256:1": contracts.Internal, "sha256:2": contracts.NotFound} {
		if _, err := e.Replay(t.Context(), revision, request()); contracts.KindOf(err) != want || err == nil {
			t.Errorf("replay on %s = %v, want %s", revision, err, want)
		}
	}
	e.past = newPast(nil)
	if _, err := e.Replay(t.Context(), "sha256:2", request()); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("replay without bundles = %v, want not found", err)
	}
}

func TestOnlyTheLastFewPastPoliciesStayLoaded(t *testing.T) {
	t.Parallel()
	kept := &store{bundles: map[string][]byte{}, asked: map[string]int{}}
	var revisions []string
	for i := range maxPast + 1 {
		p, err := loadChanged(t, "law/data.json", rewrite(t, func(row, _ map[string]any) { row["norm"] = fmt.Sprint("norm ", i) }))
		if err != nil {
			t.Fatal(err)
		}
		kept.bundles[p.revision.Policy] = p.raw
		revisions = append(revisions, p.revision.Policy)
	}
	past := newPast(kept)
	for _, r := range append(revisions, revisions[maxPast], revisions[0]) {
		if p, err := past.policy(t.Context(), r); err != nil || p.revision.Policy != r {
			t.Fatalf("policy %s = %v, %v", r, p, err)
		}
	}
	if kept.asked[revisions[maxPast]] != 1 || kept.asked[revisions[0]] != 2 || len(past.loaded) != maxPast {
		t.Errorf("asked %v, %d loaded", kept.asked, len(past.loaded))
	}
}

func TestAnAnswerThatDoesNotPartTheFieldsIsAFault(t *testing.T) {
	t.Parallel()
	e, _ := setup(t)
	p := e.policy.Load()
	allowed, listed := fieldData{Effect: "allow", Group: "g"}, []string{"field.listed"}
	in := request()
	in.Fields = []string{"gewa1.1", "gewa1.13"}
	whole := func() answer {
		return answer{
			release: map[string]fieldData{"gewa1.1": allowed}, withhold: map[string][]string{"gewa1.13": listed},
			norms: []string{"norm"}, retain: []string{"P2Y"},
		}
	}
	if doc, err := p.document(in, whole()); err != nil || doc.Outcome != decision.Partial {
		t.Fatalf("a whole answer = %+v, %v", doc, err)
	}
	for name, spoil := range map[string]func(*answer){
		"a field undecided":            func(a *answer) { delete(a.withhold, "gewa1.13") },
		"a field decided twice":        func(a *answer) { a.release["gewa1.13"] = allowed },
		"a field not asked for":        func(a *answer) { a.release["gewa1.2"] = allowed },
		"withheld without reason":      func(a *answer) { a.withhold["gewa1.13"] = nil },
		"a reason that nobody knows":   func(a *answer) { a.withhold["gewa1.13"] = []string{"mood"} },
		"an effect that nobody knows":  func(a *answer) { a.release["gewa1.1"] = fieldData{Effect: "mask", Group: "g"} },
		"an effect of the other stage": func(a *answer) { a.release["gewa1.1"] = fieldData{Effect: "announce"} },
		"a field without group":        func(a *answer) { a.release["gewa1.1"] = fieldData{Effect: "allow"} },
		"released without norm":        func(a *answer) { a.norms = nil },
		"released on two norms":        func(a *answer) { a.norms = []string{"a", "b"} },
		"released without period":      func(a *answer) { a.retain = nil },
		"an empty norm":                func(a *answer) { a.norms = []string{""} },
	} {
		a := whole()
		spoil(&a)
		if doc, err := p.document(in, a); err == nil {
			t.Errorf("%s: %+v, want an error", name, doc)
		}
	}
}

func TestAnEngineWithoutLawIsNotBuilt(t *testing.T) {
	t.Parallel()
	if e, err := New(t.Context(), Config{}); e != nil || err == nil || contracts.KindOf(err) != contracts.Internal {
		t.Errorf("new = %v, %v, want an internal error", e, err)
	}
}
