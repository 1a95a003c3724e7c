package release_test

import (
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/engine"
)

func TestATaskIsAnnouncedOnlyByARecordedDecision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	assign := func(role authority.Role, holder authority.ID, purpose string) engine.Assign {
		return engine.Assign{
			Command: engine.Command{StepKey: engine.StepKey{Case: b.caseID, Step: "register", Pass: 1}, AfterSeq: 1},
			Role:    role, Authority: holder, Purpose: purpose, Basis: basis,
		}
	}
	record, err := b.Route(t.Context(), assign(authority.Lead, b.office(authority.Lead), "notice.register"))
	b.fatal(err)
	if n := b.count(`select count(*) from decisions`); n != 0 {
		t.Errorf("%d records before the transaction that assigns the task", n)
	}
	b.fatal(b.db.Write(t.Context(), func(tx *sqlstore.Tx) error { return record(t.Context(), tx) }))
	if n := b.count(`select count(*) from decisions where stage = 'abstract' and recipient = $1`, b.office(authority.Lead)); n != 1 {
		t.Errorf("%d records of the task, want 1", n)
	}
	_, err = b.Route(t.Context(), assign(authority.Lead, b.office(authority.Lead), "advertising"))
	wantKind(t, err, contracts.Denied)
	id := b.text(`select id from decisions order by decided_at desc limit 1`)
	if e, err := b.Explain(t.Context(), admin(), id); err != nil || e.Outcome != string(decision.Refuse) {
		t.Errorf("the refusal reads %+v, %v", e, err)
	}
}
