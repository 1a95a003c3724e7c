package release_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/release"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// disclosed is a case in which the lead and the chamber fetched and the building authority was refused.
func disclosed(t *testing.T) *bundle {
	t.Helper()
	b := setup(t)
	_, err := b.announceAll(nil)
	b.fatal(err)
	for _, role := range []authority.Role{authority.Lead, "chamber_of_commerce"} {
		_, err := b.Fetch(t.Context(), b.viewer(b.office(role)), b.appID, b.ask(role))
		b.fatal(err)
	}
	_, err = b.Fetch(t.Context(), b.viewer(building), b.appID, b.ask("chamber_of_commerce"))
	wantKind(t, err, contracts.NotFound)
	return b
}

func TestADisclosureTellsWhoGotWhatWhyAndWhen(t *testing.T) {
	t.Parallel()
	b := disclosed(t)
	got, next, err := b.Disclosures(t.Context(), admin(), release.Filter{Case: b.caseID, Limit: 10})
	b.fatal(err)
	if len(got) != 3 || next != "" {
		t.Fatalf("%d disclosures, next %q", len(got), next)
	}
	d := got[1]
	want := decision.Disclosure{
		ID: d.ID, Case: b.caseID, Service: registration, Sender: b.office(authority.Lead), Recipient: b.office("chamber_of_commerce"),
		RecipientName: "Amt chamber_of_commerce", Role: "chamber_of_commerce", Fields: d.Fields, Purpose: inform,
		LegalBasis: b.row("chamber_of_commerce").Norm, Basis: basis, Decision: d.Decision, DecidedAt: d.DecidedAt,
		PolicyRevision: b.policy.revision, Outcome: decision.Partial, Reasons: []string{"field.listed"}, Fetches: 1,
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	if len(d.Fields) != len(b.row("chamber_of_commerce").Fields) || d.DecidedAt.Before(started) || d.ID == "" {
		t.Errorf("fields %v at %v", d.Fields, d.DecidedAt)
	}
	refusal := got[2]
	if refusal.Outcome != decision.Refuse || len(refusal.Fields) != 0 || refusal.ID != "" || refusal.Role != decision.NoRole || refusal.Fetches != 0 {
		t.Errorf("refusal %+v", refusal)
	}
	_, answer := b.send(admin(), http.MethodGet, "/v1/disclosures?outcome=refuse&case_id="+b.caseID, nil)
	if !strings.Contains(answer, `"fields":[]`) || strings.Count(answer, "decision_id") != 1 {
		t.Error(answer)
	}
}

func TestEachViewerSeesItsOwnDisclosuresOnly(t *testing.T) {
	t.Parallel()
	b := disclosed(t)
	b.exec(`insert into cases select $1, operator, tenant, service, package, definition, procedure_kind, lead, state, attention, 'office-nuernberg',
		facts, parties, 0, 0, '', 0, received_at, closed_at from cases where id = $2`, "second", b.caseID)
	b.exec(`insert into case_links (case_id, linked, relation) values ($1, 'second', 'opened'), ('second', $1, 'opened_by')`, b.caseID)
	b.exec(`update decisions set case_id = 'second' where recipient = $1 and stage = 'concrete'`, b.office(authority.Lead))
	stranger := b.viewer(b.office(authority.Lead))
	stranger.Operator = "hessen"
	for name, c := range map[string]struct {
		viewer actor.Viewer
		want   int
	}{
		"the operator": {admin(), 3},
		"the portal that filed, the linked case too": {portal("portal-bayern"), 3},
		"the office that filed the second case":      {portal("office-nuernberg"), 1},
		"another portal":                             {portal("portal-other"), 0},
		"the lead":                                   {b.viewer(b.office(authority.Lead)), 3},
		"a recipient":                                {b.viewer(b.office("chamber_of_commerce")), 1},
		"a recipient that has not fetched":           {b.viewer(b.office("statistics")), 0},
		"the body that was refused":                  {b.viewer(building), 0},
		"another operator's authority":               {stranger, 0},
	} {
		got, _, err := b.Disclosures(t.Context(), c.viewer, release.Filter{Limit: 10})
		b.fatal(err)
		if len(got) != c.want {
			t.Errorf("%s sees %d, want %d", name, len(got), c.want)
		}
	}
	b.allow = func(decision.AccessInput) bool { return false }
	_, _, err := b.Disclosures(t.Context(), admin(), release.Filter{Limit: 10})
	wantKind(t, err, contracts.Denied)
}

func TestPagesFollowEachOtherWithoutGapOrRepeat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 5 {
		_, err := b.Fetch(t.Context(), b.viewer(b.office(authority.Lead)), b.appID, b.ask(authority.Lead))
		b.fatal(err)
	}
	b.exec(`update decisions set decided_at = $1 where id in (select id from decisions order by id limit 3)`, started) // a tie
	var got, want []string
	after := ""
	for pages := 1; ; pages++ {
		path := "/v1/disclosures?limit=2"
		if after != "" {
			path += "&after=" + after
		}
		status, answer := b.send(admin(), http.MethodGet, path, nil)
		var page release.ListDisclosures200JSONResponse
		b.fatal(json.Unmarshal([]byte(answer), &page))
		if status != http.StatusOK || pages > 3 {
			t.Fatalf("page %d: status %d, %s", pages, status, answer)
		}
		for _, d := range page.Disclosures {
			got = append(got, d.Decision)
		}
		if page.Next == nil {
			break
		}
		after = *page.Next
	}
	all, _, err := b.Disclosures(t.Context(), admin(), release.Filter{Limit: 100})
	b.fatal(err)
	for _, d := range all {
		want = append(want, d.Decision)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 5 {
		t.Errorf("%d: %s", len(got), diff)
	}
}

func FuzzACursorIsReadOrRefused(f *testing.F) {
	for _, text := range []string{"", "x", "!", base64.RawURLEncoding.EncodeToString([]byte("2026-11-25T10:00:00Z|" + uuid.NewString())), base64.RawURLEncoding.EncodeToString([]byte("2026|1"))} {
		f.Add(text)
	}
	b := setup(f)
	f.Fuzz(func(t *testing.T, text string) {
		if _, _, err := b.Disclosures(t.Context(), admin(), release.Filter{After: text, Limit: 1}); err != nil && contracts.KindOf(err) != contracts.Invalid {
			t.Error(err)
		}
	})
}

func TestADecisionIsExplainedAndReplayedFromItsRecordAlone(t *testing.T) {
	t.Parallel()
	b := disclosed(t)
	id := b.text(`select id from decisions where recipient = $1 and stage = 'concrete'`, b.office("chamber_of_commerce"))
	status, answer := b.send(admin(), http.MethodGet, "/v1/decisions/"+id+"/explanation", nil)
	var got release.Explanation
	b.fatal(json.Unmarshal([]byte(answer), &got))
	want := release.Explanation{
		DecisionId: id, Outcome: "partial", De: got.De, En: got.En, Reasons: []string{"field.listed"},
	}
	if !strings.HasPrefix(got.De, "Amt chamber_of_commerce (Industrie- und Handelskammer) erhielt 27 von 33 Feldern (GewAnzV § 3(1)") ||
		!strings.Contains(got.En, "27 of 33") {
		t.Errorf("explained as %q and %q", got.De, got.En)
	}
	if diff := cmp.Diff(want, got); diff != "" || status != http.StatusOK {
		t.Errorf("status %d: %s", status, diff)
	}
	status, answer = b.send(admin(), http.MethodPost, "/v1/decisions/"+id+"/replay", nil)
	if want := `{"decision_id":"` + id + `","identical":true,"policy_revision":"` + b.policy.revision + `"}`; strings.TrimSpace(answer) != want {
		t.Errorf("status %d, %s, want %s", status, answer, want)
	}

	b.policy.change = func(d *decision.Document) { // an engine that answers otherwise
		delete(d.Release, "gewa1.1")
		d.Withhold["gewa1.1"] = []string{"field.listed"}
		d.Withhold["gewa1.13"] = []string{"field.listed", "purpose.bound"}
	}
	replay, err := b.Replay(t.Context(), admin(), id)
	b.fatal(err)
	if replay.Identical || replay.Differences == nil || cmp.Diff([]string{"gewa1.1", "gewa1.13"}, *replay.Differences) != "" {
		t.Errorf("replay %+v", replay)
	}
	b.policy.change = func(d *decision.Document) { d.LegalBasis = "another norm" }
	if replay, err = b.Replay(t.Context(), admin(), id); err != nil || replay.Identical || replay.Differences != nil {
		t.Errorf("replay %+v, error %v", replay, err)
	}
}

func TestWhoMayExplainADecision(t *testing.T) {
	t.Parallel()
	b := disclosed(t)
	chamber := b.office("chamber_of_commerce")
	fetched := b.text(`select id from decisions where recipient = $1 and stage = 'concrete'`, chamber)
	told := b.text(`select id from decisions where recipient = $1 and stage = 'abstract'`, chamber)
	refused := b.text(`select id from decisions where recipient = $1`, building)
	silent := b.text(`select id from decisions where recipient = $1`, b.office("immigration"))
	stranger := admin()
	stranger.Operator = "hessen"
	for name, c := range map[string]struct {
		viewer actor.Viewer
		id     string
		ok     bool
	}{
		"the operator":                     {admin(), refused, true},
		"the portal that filed":            {portal("portal-bayern"), fetched, true},
		"another portal":                   {portal("portal-other"), fetched, false},
		"the lead":                         {b.viewer(b.office(authority.Lead)), refused, true},
		"the recipient":                    {b.viewer(chamber), fetched, true},
		"the recipient, its announcement":  {b.viewer(chamber), told, true},
		"another recipient":                {b.viewer(b.office("statistics")), fetched, false},
		"the refused body":                 {b.viewer(building), refused, false},
		"the body that was not told":       {b.viewer(b.office("immigration")), silent, false},
		"another operator":                 {stranger, fetched, false},
		"anybody, about a decision nobody": {admin(), uuid.NewString(), false},
	} {
		_, err := b.Explain(t.Context(), c.viewer, c.id)
		if c.ok != (err == nil) || (err != nil && contracts.KindOf(err) != contracts.NotFound) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestARecordThatWasTamperedWithDoesNotSpeak(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]string{
		"digest":         `update decisions set digest = 'x'`,
		"salt":           `update decisions set salt = substr(salt, 1, 1)`,
		"another record": `update decisions set sealed_record = (select sealed_record from decisions order by id limit 1)`,
		"cut":            `update decisions set sealed_record = substr(sealed_record, 1, 20)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := disclosed(t)
			id := b.text(`select id from decisions order by id desc limit 1`)
			b.exec(tamper)
			_, err := b.Explain(t.Context(), admin(), id)
			wantKind(t, err, contracts.Internal)
		})
	}
	b := disclosed(t)
	clear(b.vault.keys) // the month is over and its key deleted
	_, err := b.Replay(t.Context(), admin(), b.text(`select id from decisions limit 1`))
	wantKind(t, err, contracts.NotFound)
}

func TestRecordsAreKeptAsLongAsTheLawSays(t *testing.T) {
	t.Parallel()
	b := disclosed(t)
	for _, where := range []string{`outcome <> 'refuse'`, `outcome = 'refuse'`} {
		until := b.text(`select cast(retain_until as text) from decisions where stage = 'concrete' and ` + where)
		if !strings.HasPrefix(until, "2028-11-25") {
			t.Errorf("%s kept until %s", where, until)
		}
	}
	if key := b.text(`select distinct log_key from decisions`); key != "log/muenchen/2026-11/P2Y" {
		t.Errorf("log key %s", key)
	}
}

func TestABundleIsKeptOncePerRevision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bundles := release.NewBundles(b.db)
	for range 2 {
		b.fatal(bundles.RememberBundle(t.Context(), "sha256:1", []byte("one")))
	}
	wantKind(t, bundles.RememberBundle(t.Context(), "sha256:1", []byte("other")), contracts.Conflict)
	got, err := bundles.Bundle(t.Context(), "sha256:1")
	b.fatal(err)
	if string(got) != "one" {
		t.Errorf("bundle %q", got)
	}
	_, err = bundles.Bundle(t.Context(), "sha256:2")
	wantKind(t, err, contracts.NotFound)
}
