package release_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// informed are the recipients that a plain registration in München has: 12, without customs and immigration.
func (b *bundle) informed(also ...authority.Role) []authority.ID {
	var out []authority.ID
	for _, role := range b.pkg.Roles {
		purposes := b.row(role).Purposes
		if slices.Contains(purposes, inform) || slices.Contains(purposes, "statistics") {
			if (role != "customs" && role != "immigration") || slices.Contains(also, role) {
				out = append(out, b.office(role))
			}
		}
	}
	return out
}

func TestEveryRecipientOfTheLawIsToldAndTheOthersAreRecordedRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, err := b.announceAll(fact.Values{"indications_of_violation": false})
	b.fatal(err)
	want := b.informed()
	if diff := cmp.Diff(want, got.Announced); diff != "" {
		t.Error(diff)
	}
	if len(want) != 12 {
		t.Errorf("%d recipients, want 12", len(want))
	}
	if n := b.count(`select count(*) from decisions where stage = 'abstract'`); n != 14 {
		t.Errorf("%d abstract decisions recorded, want 14", n)
	}
	for _, role := range []authority.Role{"customs", "immigration"} {
		e, err := b.Explain(t.Context(), admin(), b.text(`select id from decisions where recipient = $1`, b.office(role)))
		if err != nil || e.Outcome != string(decision.Refuse) {
			t.Errorf("%s: recorded %+v, %v", role, e, err)
		}
		if n := b.count(`select count(*) from case_participation where authority = $1`, b.office(role)); n != 0 {
			t.Errorf("%s takes part", role)
		}
	}
	if n := b.count(`select count(*) from case_participation`); n != 13 { // the lead and those told
		t.Errorf("%d participants, want 13", n)
	}
	if n := b.count(`select count(*) from events where type = $1`, event.TypeContentAnnounced); n != 12 {
		t.Errorf("%d announcements, want 12", n)
	}
}

// TestTheRowOfAnAbstractDecisionTellsNoSensitiveFact looks at what a database without keys says about the decision on the
// immigration authority, which is told of foreign traders only: the same for both.
func TestTheRowOfAnAbstractDecisionTellsNoSensitiveFact(t *testing.T) {
	t.Parallel()
	row := func(foreign bool) string {
		b := setup(t)
		b.vault.facts[b.caseID] = fact.Values{"foreign_trader": foreign}
		_, err := b.announceAll(nil)
		b.fatal(err)
		return b.text(`select outcome || '|' || released || '|' || reasons || '|' || legal_basis || '|' || length(digest)
			from decisions where recipient = $1`, b.office("immigration"))
	}
	if no, yes := row(false), row(true); no != yes {
		t.Errorf("the row says %q for a German and %q for a foreign trader", no, yes)
	}
}

// TestADigestIsThatOfTheSealedRecord: the digest stands in events for ever and must not let anyone try out facts.
func TestADigestIsThatOfTheSealedRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.announceAll(nil)
	b.fatal(err)
	var sealed []byte
	var digest string
	b.fatal(b.db.Read().QueryRowContext(t.Context(), `select sealed_record, digest from decisions limit 1`).Scan(&sealed, &digest))
	if sum := sha256.Sum256(sealed); hex.EncodeToString(sum[:]) != digest {
		t.Error("the digest is not that of the ciphertext")
	}
}

func TestAnAnnouncementNamesContentPurposeAndDecisionAndNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.announceAll(nil)
	b.fatal(err)
	id := b.office("chamber_of_commerce")
	raw := b.text(`select data from events where type = $1 and data like '%chamber-of-commerce%'`, event.TypeContentAnnounced)
	var got event.ContentAnnounced
	b.fatal(json.Unmarshal([]byte(raw), &got))
	want := event.ContentAnnounced{
		Step: "inform", Pass: 1, Role: "chamber_of_commerce", Authority: id, Purpose: inform, Basis: basis,
		Decision: b.text(`select id from decisions where recipient = $1`, id),
	}
	want.Contents, err = b.vault.Contents(t.Context(), b.caseID, "application")
	b.fatal(err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	eventID := b.text(`select id from events where data = $1`, raw)
	if eventID != b.caseID+"/inform/1/1" {
		t.Errorf("event id %s", eventID)
	}
}

func TestConditionsOfTheLawDecideWhoIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		foreign, indications bool
		also                 []authority.Role
	}{
		"a foreign trader":            {foreign: true, also: []authority.Role{"immigration"}},
		"indications of a violation":  {indications: true, also: []authority.Role{"customs"}},
		"both":                        {foreign: true, indications: true, also: []authority.Role{"customs", "immigration"}},
		"neither, and nothing stated": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.vault.facts[b.caseID] = fact.Values{"foreign_trader": c.foreign}
			facts := fact.Values{}
			if c.indications {
				facts["indications_of_violation"] = true
			}
			got, err := b.announceAll(facts)
			b.fatal(err)
			if diff := cmp.Diff(b.informed(c.also...), got.Announced); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnAuthorityThatWaivedIsNotTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.office("chamber_of_crafts")
	waived := b.register[id]
	waived.Waived = true
	b.register[id] = waived
	got, err := b.announceAll(nil)
	b.fatal(err)
	if slices.Contains(got.Announced, id) || len(got.Announced) != 11 {
		t.Errorf("announced %v", got.Announced)
	}
}

func TestARepeatedAnnouncementHasItsEffectOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, err := b.announceAll(nil)
	b.fatal(err)
	again, err := b.announceAll(nil)
	b.fatal(err)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	if n := b.count(`select count(*) from decisions`); n != 14 {
		t.Errorf("%d decisions after a repeat", n)
	}
}

func TestNothingIsAnnouncedOverALaterEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`update cases set engine_seq = 2`)
	got, err := b.announceAll(nil)
	b.fatal(err)
	if diff := cmp.Diff([]engine.Event{{EngineSeq: 2}}, got.Later); diff != "" || len(got.Announced) > 0 {
		t.Errorf("%s, announced %v", diff, got.Announced)
	}
	if n := b.count(`select count(*) from decisions`) + b.count(`select count(*) from events`); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestAnAnnouncementThatCannotBeRecordedIsNotMade(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*bundle){
		"no log key":    func(b *bundle) { b.vault.sealErr = errBoom },
		"no ledger":     func(b *bundle) { b.ledger.err = errBoom },
		"no policy":     func(b *bundle) { b.policy.err = errBoom },
		"no record row": func(b *bundle) { b.alter(`alter table decisions rename to hidden`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			breakIt(b)
			if got, err := b.announceAll(nil); err == nil {
				t.Errorf("announced %v", got.Announced)
			}
			if n := b.count(`select count(*) from events`) + b.count(`select count(*) from case_participation`); n != 1 { // the lead
				t.Errorf("%d rows, want the lead's participation only", n)
			}
		})
	}
}

func TestAnnouncingForACaseThatDoesNotExistIsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.caseID = "absent"
	_, err := b.announceAll(nil)
	wantKind(t, err, contracts.NotFound)
}
