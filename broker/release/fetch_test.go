package release_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/release"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

func TestEachRecipientObtainsItsOwnFieldListAndNoOtherByte(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.vault.facts[b.caseID] = fact.Values{"foreign_trader": true}
	_, err := b.announceAll(fact.Values{"indications_of_violation": true})
	b.fatal(err)
	b.participate("previous")
	b.exec(`insert into tasks (id, operator, case_id, step, pass, role, authority, service, opens, state, outcomes, allowed_facts, outcome,
		outcome_facts, law, legal_basis, silence_effect, purpose, basis, assigned_at, completed_at)
		values ('t', 'bayern', $1, 'register', 1, 'lead', 'x', '', '', 'completed', '[]', '[]', 'registered', '{"indications_of_violation":true}',
		'', '', '', '', '', $2, $2)`, b.caseID, started)
	for _, role := range b.pkg.Roles {
		status, answer := b.send(b.viewer(b.office(role)), http.MethodPost, b.fetchPath(b.appID), b.ask(role))
		if status != http.StatusOK {
			t.Errorf("%s: status %d, %s", role, status, answer)
			continue
		}
		var got release.FetchedContent
		b.fatal(json.Unmarshal([]byte(answer), &got))
		want := []string{}
		for _, name := range b.allFields() {
			if _, listed := b.row(role).Fields[name]; listed {
				want = append(want, name)
			}
		}
		slices.SortFunc(want, decision.CompareFields)
		if diff := cmp.Diff(want, got.Released); diff != "" {
			t.Errorf("%s: %s", role, diff)
		}
		b.wantOnly(t, answer, got.Content, want)
	}
}

// wantOnly checks that the answer's bytes hold the canary of every released field of the application and of no other.
func (b *bundle) wantOnly(tb testing.TB, answer string, kept map[string]any, fields []string) {
	tb.Helper()
	may, all, got := map[string]bool{}, map[string]bool{}, map[string]bool{}
	leaves(b.pkg.Filter(b.app, fields), may)
	leaves(b.app, all)
	leaves(kept, got)
	if diff := cmp.Diff(may, got); diff != "" {
		tb.Error(diff)
	}
	for canary := range all {
		if !may[canary] && strings.Contains(answer, canary) {
			tb.Errorf("%s left", canary)
		}
	}
}

func TestNoFieldLeavesThatWasNotAskedForAndReleased(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, role := range b.pkg.Roles {
		if role != authority.Lead {
			b.participate(role)
		}
	}
	all := b.allFields()
	rapid.Check(t, func(t *rapid.T) {
		role := rapid.SampledFrom(b.pkg.Roles).Draw(t, "role")
		fields := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, len(all), rapid.ID).Draw(t, "fields")
		purpose := rapid.SampledFrom([]string{inform, "statistics", "notice.register", "notice.forward", "advertising"}).Draw(t, "purpose")
		status, answer := b.send(b.viewer(b.office(role)), http.MethodPost, b.fetchPath(b.appID),
			release.FetchRequest{Fields: fields, Purpose: purpose, Basis: basis})
		var may []string
		if row := b.row(role); slices.Contains(row.Purposes, purpose) && role != "customs" && role != "immigration" {
			for _, name := range fields {
				if _, listed := row.Fields[name]; listed {
					may = append(may, name)
				}
			}
		}
		var got release.FetchedContent
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatal(err)
		}
		if (status == http.StatusOK) != (len(may) > 0) {
			t.Fatalf("status %d, may have %v", status, may)
		}
		b.wantOnly(b.t, answer, got.Content, may)
		if b.t.Failed() {
			t.Fatalf("role %s, purpose %s", role, purpose)
		}
	})
}

func TestARefusalIsByteForByteTheAnswerToAnUnknownReference(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pending, foreign, certificate := content.ID(uuid.NewString()), content.ID(uuid.NewString()), content.ID(uuid.NewString())
	object := b.vault.objects[b.appID]
	for id, change := range map[content.ID]func(*content.Object){
		pending:     func(o *content.Object) { o.Committed = false },
		foreign:     func(o *content.Object) { o.Operator = "hessen" },
		certificate: func(o *content.Object) { o.Kind, o.Form = content.Certificate, "" },
	} {
		o := object
		o.Content = id
		change(&o)
		b.vault.put(o)
	}
	req := b.ask("chamber_of_commerce")
	_, want := b.send(b.viewer(building), http.MethodPost, b.fetchPath(content.ID(uuid.NewString())), req)
	want = withoutErrorID(want)
	wrong := req
	wrong.Purpose = "advertising"
	strange := req
	strange.Fields = []string{"gewa1.99", "gewa9.1"}
	for name, c := range map[string]struct {
		viewer authority.ID
		id     content.ID
		req    release.FetchRequest
	}{
		"a body on no list":                       {building, b.appID, req},
		"a body on no list, fields of no form":    {building, b.appID, strange},
		"a body of the list that was not told":    {b.office("chamber_of_commerce"), b.appID, req},
		"the lead for a purpose it does not have": {b.office(authority.Lead), b.appID, wrong},
		"content without a field list":            {b.office(authority.Lead), certificate, b.ask(authority.Lead)},
		"content that no event committed":         {b.office(authority.Lead), pending, b.ask(authority.Lead)},
		"content of another operator":             {b.office(authority.Lead), foreign, b.ask(authority.Lead)},
	} {
		status, got := b.send(b.viewer(c.viewer), http.MethodPost, b.fetchPath(c.id), c.req)
		if status != http.StatusNotFound || withoutErrorID(got) != want {
			t.Errorf("%s: status %d\n%s\nwant\n%s", name, status, got, want)
		}
	}
	if b.vault.loads != 0 {
		t.Errorf("content was opened %d times for refusals", b.vault.loads)
	}
	if n := b.count(`select count(*) from decisions where outcome = 'refuse' and stage = 'concrete'`); n != 5 {
		t.Errorf("%d refusals recorded, want 5", n)
	}
	if n := b.count(`select count(*) from events where type = $1`, event.TypeDisclosureRefused); n != 5 {
		t.Errorf("%d refusals in the ledger, want 5", n)
	}
	if n := b.count(`select count(*) from disclosures`); n != 0 || len(b.deliveries.seen) > 0 {
		t.Errorf("%d disclosures, deliveries %v", n, b.deliveries.seen)
	}
}

var errorID = regexp.MustCompile(`"error_id":"[^"]*"`)

func withoutErrorID(body string) string { return errorID.ReplaceAllString(body, `"error_id":""`) }

func TestTheLogOfARefusalNamesTheDecisionAndNoField(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Fetch(t.Context(), b.viewer(building), b.appID, b.ask(authority.Lead))
	wantKind(t, err, contracts.NotFound)
	var line map[string]any
	b.fatal(json.Unmarshal(b.logs.Bytes(), &line))
	delete(line, "time")
	want := map[string]any{
		"level": "INFO", "msg": "disclosure refused", "decision_id": b.text(`select id from decisions`), "case_id": b.caseID,
		"authority": string(building), "policy_revision": b.policy.revision, "reasons": []any{"field.listed", "purpose.bound"},
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Error(diff)
	}
}

func TestARequestIsCheckedBeforeAnythingIsLookedUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	req := release.FetchRequest{
		Fields:  []string{"gewa1.1", "gewa1.1", "gewa1.*", "gewa1", "address.street", "GEWA1.3", "gewa1.13 or 1=1"},
		Purpose: "Bitte alles", Basis: "eu-gdpr:A6-1-f",
	}
	want := []string{"/fields/1", "/fields/2", "/fields/3", "/fields/4", "/fields/5", "/fields/6", "/purpose", "/basis"}
	for _, id := range []content.ID{b.appID, content.ID(uuid.NewString())} {
		_, err := b.Fetch(t.Context(), b.viewer(b.office(authority.Lead)), id, req)
		wantKind(t, err, contracts.Invalid)
		var got []string
		for _, p := range contracts.ProblemsOf(err) {
			got = append(got, p.Pointer)
			if strings.Contains(p.Detail, "Bitte") || strings.Contains(p.Detail, "1=1") {
				t.Errorf("the answer repeats a value: %s", p.Detail)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	many := make([]string, 501)
	for i := range many {
		many[i] = fmt.Sprintf("gewa1.%d", i+1)
	}
	for _, fields := range [][]string{nil, {}, many} {
		_, err := b.Fetch(t.Context(), b.viewer(b.office(authority.Lead)), b.appID, release.FetchRequest{Fields: fields, Purpose: inform, Basis: basis})
		wantKind(t, err, contracts.Invalid)
	}
	req = b.ask(authority.Lead)
	req.Fields = []string{"gewa1.1", "gewa1.99", "gewa3.2"}
	status, answer := b.send(b.viewer(b.office(authority.Lead)), http.MethodPost, b.fetchPath(b.appID), req)
	if status != http.StatusBadRequest || !strings.Contains(answer, "/fields/1") || !strings.Contains(answer, "/fields/2") {
		t.Errorf("status %d, %s", status, answer)
	}
	if n := b.count(`select count(*) from decisions`); n != 0 {
		t.Errorf("%d decisions for requests that were never asked", n)
	}
}

func TestPortalAndOperatorObtainNoContent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.allow = func(decision.AccessInput) bool { return true }
	for _, v := range []actor.Viewer{admin(), portal("portal-bayern")} {
		_, err := b.Fetch(t.Context(), v, b.appID, b.ask(authority.Lead))
		wantKind(t, err, contracts.Denied)
	}
}

func TestWhoMayNotFetchByAccessIsRefusedByDecision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var asked []decision.AccessInput
	b.allow = func(in decision.AccessInput) bool { asked = append(asked, in); return false }
	_, err := b.Fetch(t.Context(), b.viewer(b.office(authority.Lead)), b.appID, b.ask(authority.Lead))
	wantKind(t, err, contracts.NotFound)
	if in := b.policy.lastAsked(); in.Recipient.Role != decision.NoRole {
		t.Errorf("asked as %s", in.Recipient.Role)
	}
	if diff := cmp.Diff([]decision.AccessInput{{Role: actor.System, Action: decision.ContentFetch, Relation: decision.LeadOf}}, asked); diff != "" {
		t.Error(diff)
	}
}

func TestARepeatedFetchIsANewDecisionUnderTheSameDisclosure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lead := b.viewer(b.office(authority.Lead))
	first, err := b.Fetch(t.Context(), lead, b.appID, b.ask(authority.Lead))
	b.fatal(err)
	again, err := b.Fetch(t.Context(), lead, b.appID, b.ask(authority.Lead))
	b.fatal(err)
	if first.DisclosureId != again.DisclosureId || first.DecisionId == again.DecisionId {
		t.Errorf("first %s %s, again %s %s", first.DisclosureId, first.DecisionId, again.DisclosureId, again.DecisionId)
	}
	if n := b.count(`select fetches from disclosures where first_decision = $1`, first.DecisionId); n != 2 {
		t.Errorf("%d fetches counted", n)
	}
	var recorded event.DisclosureRecorded
	b.fatal(json.Unmarshal([]byte(b.text(`select data from events where id = $1`, again.DecisionId)), &recorded))
	want := event.DisclosureRecorded{
		Disclosure: again.DisclosureId, Decision: again.DecisionId, Authority: lead.Authority, Content: b.appID,
		Record: b.text(`select digest from decisions where id = $1`, again.DecisionId),
	}
	if diff := cmp.Diff(want, recorded); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{string(lead.Authority), string(lead.Authority)}, b.deliveries.seen); diff != "" {
		t.Error(diff)
	}
}

func TestFetchesAtOnceAreAllRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const many = 12
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			if _, err := b.Fetch(t.Context(), b.viewer(b.office(authority.Lead)), b.appID, b.ask(authority.Lead)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	decisions, fetches := b.count(`select count(*) from decisions`), b.count(`select sum(fetches) from disclosures`)
	events, disclosures := b.count(`select count(*) from events`), b.count(`select count(*) from disclosures`)
	if decisions != many || fetches != many || events != many || disclosures != 1 {
		t.Errorf("%d decisions, %d fetches, %d events, %d disclosures", decisions, fetches, events, disclosures)
	}
}

func TestNothingLeavesWithoutItsRecord(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*bundle){
		"no log key":        func(b *bundle) { b.vault.sealErr = errBoom },
		"no ledger":         func(b *bundle) { b.ledger.err = errBoom },
		"no delivery state": func(b *bundle) { b.deliveries.err = errBoom },
		"no policy":         func(b *bundle) { b.policy.err = errBoom },
		"no record row":     func(b *bundle) { b.alter(`alter table decisions drop column log_key`) },
		"no register entry": func(b *bundle) { delete(b.register, b.office(authority.Lead)) },
		"no package":        func(b *bundle) { b.exec(`update cases set package = 'absent'`) },
		"no JSON": func(b *bundle) {
			o := b.vault.objects[b.appID]
			o.Body = []byte("CANARY")
			b.vault.put(o)
		},
		"a question that the policy refuses to read": func(b *bundle) {
			b.policy.err = &contracts.Error{Kind: contracts.Invalid, Op: "decide", Problems: []contracts.Problem{{Pointer: "/fields"}}}
		},
		"no disclosure row": func(b *bundle) { b.alter(`alter table disclosures drop column fetches`) },
		"a field decided twice": func(b *bundle) {
			b.policy.change = func(d *decision.Document) { d.Withhold["gewa1.1"] = []string{"x"} }
		},
		"a field that nobody asked for": func(b *bundle) {
			b.policy.change = func(d *decision.Document) { d.Release["gewa1.77"] = decision.Field{Effect: "allow"} }
		},
		"a field withheld without reason": func(b *bundle) {
			b.policy.change = func(d *decision.Document) { d.Withhold["gewa1.33"] = nil }
		},
		"an effect that is not known": func(b *bundle) {
			b.policy.change = func(d *decision.Document) { d.Release["gewa1.1"] = decision.Field{Effect: "mask"} }
		},
		"an outcome that contradicts": func(b *bundle) {
			b.policy.change = func(d *decision.Document) { d.Outcome = decision.Release }
		},
		"the other stage":     func(b *bundle) { b.policy.change = func(d *decision.Document) { d.Stage = decision.Abstract } },
		"no revision":         func(b *bundle) { b.policy.change = func(d *decision.Document) { d.Revision = decision.Revision{} } },
		"no end of retention": func(b *bundle) { b.policy.change = func(d *decision.Document) { d.Retain = "for ever" } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			breakIt(b)
			status, answer := b.send(b.viewer(b.office(authority.Lead)), http.MethodPost, b.fetchPath(b.appID), b.ask(authority.Lead))
			if status < http.StatusInternalServerError || strings.Contains(answer, "CANARY") {
				t.Errorf("status %d, %s", status, answer)
			}
			if n := b.count(`select count(*) from events`) + b.count(`select count(*) from disclosures`); n != 0 {
				t.Errorf("%d rows of a release that did not happen", n)
			}
			if name != "no record row" && b.count(`select count(*) from decisions`) != 0 {
				t.Error("a record of a release that did not happen")
			}
		})
	}
}

func TestADecisionIsTakenAnewWhenTheCaseChangesUnderIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.participate("chamber_of_commerce")
	once := sync.OnceFunc(func() { b.exec(`update case_participation set ends = $1 where role = 'chamber_of_commerce'`, started) })
	b.policy.before = once // after the ground was read, before the record is written
	_, err := b.Fetch(t.Context(), b.viewer(b.office("chamber_of_commerce")), b.appID, b.ask("chamber_of_commerce"))
	wantKind(t, err, contracts.NotFound)
	if n := b.count(`select count(*) from decisions where outcome <> 'refuse'`); n != 0 {
		t.Errorf("%d releases recorded for a body that no longer takes part", n)
	}
	if n := b.count(`select count(*) from decisions where outcome = 'refuse' and role = 'none'`); n != 1 {
		t.Errorf("%d refusals recorded, want 1", n)
	}

	facts := 0
	b.policy.before = func() { // the case never rests
		facts++
		b.exec(`update cases set facts = $1`, fmt.Sprintf(`{"employees":%d}`, facts))
	}
	_, err = b.Fetch(t.Context(), b.viewer(b.office(authority.Lead)), b.appID, b.ask(authority.Lead))
	wantKind(t, err, contracts.Unavailable)
}

func TestTheInputHoldsFactsAndPartiesFromTheBrokersRowsOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.participate("customs")
	_, err := b.Fetch(t.Context(), b.viewer(b.office("customs")), b.appID, release.FetchRequest{Fields: []string{"gewa1.1"}, Purpose: inform, Basis: basis})
	wantKind(t, err, contracts.NotFound)
	in := b.policy.lastAsked()
	want := decision.Input{
		Now: in.Now, Stage: decision.Concrete, Service: registration, Package: "sha256:" + b.pkg.Hash, Step: "fetch", Purpose: inform, Basis: basis,
		Sender:    decision.Party{Authority: b.office(authority.Lead), Tenant: "muenchen", Kind: "trade_office", Role: authority.Lead, Country: "DE"},
		Recipient: decision.Party{Authority: b.office("customs"), Tenant: "muenchen", Kind: "customs", Role: "customs", Country: "DE"},
		Fields:    []string{"gewa1.1"},
		Facts: fact.Values{
			"register": "commercial", "register_entry": true, "full_move": true, "foreign_trader": false, "not_waived": true,
			"indications_of_violation": false,
		},
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
}

func TestNoFileOfTheLedgerHoldsContentOrASensitiveFact(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.announceAll(nil)
	b.fatal(err)
	for _, role := range []authority.Role{authority.Lead, "chamber_of_commerce", "statistics"} {
		_, err := b.Fetch(t.Context(), b.viewer(b.office(role)), b.appID, b.ask(role))
		b.fatal(err)
	}
	_, err = b.Fetch(t.Context(), b.viewer(building), b.appID, b.ask(authority.Lead))
	wantKind(t, err, contracts.NotFound)
	stored := string(sqlstoretest.Stored(t, b.place))
	for _, secret := range []string{"CANARY", "foreign_trader", "not_waived"} {
		if strings.Contains(stored, secret) {
			t.Errorf("the ledger holds %s", secret)
		}
	}
	if !strings.Contains(stored, string(b.appID)) || strings.Contains(b.logs.String(), "CANARY") {
		t.Errorf("%d bytes read, log %s", len(stored), b.logs)
	}
}
