package release_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
)

// TestNothingOfACaseLeavesFromItsErasureOn erases the case after its content was opened and before the record, and then
// before the fetch: nothing leaves, nothing is recorded as released, and the answer is that to an unknown reference.
func TestNothingOfACaseLeavesFromItsErasureOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lead := b.viewer(b.office(authority.Lead))
	_, unknown := b.send(lead, http.MethodPost, b.fetchPath(content.ID(uuid.NewString())), b.ask(authority.Lead))
	b.policy.before = sync.OnceFunc(func() {
		b.exec(`insert into erased_cases (case_id, operator, erasure_id, reason, erased_at) values ($1, $2, 'e', 'retention_expired', $3)`, b.caseID, operator, started)
	})
	status, got := b.send(lead, http.MethodPost, b.fetchPath(b.appID), b.ask(authority.Lead))
	if status != http.StatusNotFound || withoutErrorID(got) != withoutErrorID(unknown) {
		t.Errorf("erased meanwhile: %d %s", status, got)
	}
	if n := b.count(`select count(*) from decisions`) + b.count(`select count(*) from disclosures`); n != 0 {
		t.Errorf("%d rows recorded", n)
	}
	b.vault.gone = &contracts.Error{Kind: contracts.NotFound, Op: "read key", Subject: "case/" + b.caseID}
	status, got = b.send(lead, http.MethodPost, b.fetchPath(b.appID), b.ask(authority.Lead))
	if status != http.StatusNotFound || withoutErrorID(got) != withoutErrorID(unknown) {
		t.Errorf("erased before: %d %s", status, got)
	}
}
