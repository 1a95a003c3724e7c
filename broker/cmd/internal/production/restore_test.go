//go:build linux

package production

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// The ledger's cluster goes back to an instant, by base backup and archive. Kafka is empty, Temporal comes from a copy that
// is older than the ledger, and nightly is empty another time. Every open case goes on, each effect once; the back offices'
// cursors are those of before and miss nothing; what was erased after the instant stays erased; what was accepted after it
// is accepted again under the same id.
func TestALedgerRestoredToAnInstantGoesOn(t *testing.T) {
	f := openForm(t)
	engines := map[string][]string{"older engine": {"--engine"}}
	if nightly() {
		engines["empty engine"] = nil
	}
	for name, further := range engines {
		t.Run(name, func(t *testing.T) {
			f.t = t
			l := startLoad(t, f)
			l.carry(5)
			erased := l.first()
			l.whole(f.as(l.b.URL, f.env["EFA_CLIENT"], nil), erased.CaseId)
			f.script("backup")
			l.drain()
			l.carry(5)
			instant := f.now()
			l.drain()
			l.carry(5)
			f.efabroker("case", "erase", erased.CaseId, "--reason", "retention_expired")
			l.pause()
			f.archive()
			f.script("restore", append([]string{"--to", instant.Format(time.RFC3339Nano)}, further...)...)
			f.up()
			l.submitAgain(instant)
			l.staysErased(erased.CaseId)
			l.finish()
		})
	}
}

// first is a submission that was accepted, the first of all.
func (l *load) first() client.SubmissionReceipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.MinFunc(slices.Collect(maps.Values(l.receipts)), func(a, b client.SubmissionReceipt) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
}

// staysErased checks that a case is shown as erased and that its submission, sent again, is not accepted again.
func (l *load) staysErased(caseID string) {
	l.t.Helper()
	if shown := l.f.efabroker("case", "show", caseID); !strings.Contains(shown, "erased") {
		l.t.Errorf("the erased case is shown as %s", shown)
	}
	for id, receipt := range l.receipts {
		if receipt.CaseId != caseID {
			continue
		}
		delete(l.receipts, id)
		body := l.body
		body.SubmissionId = id
		if _, err := l.portal.SubmitApplicationWithResponse(l.t.Context(), body); contracts.KindOf(err) != contracts.Conflict {
			l.t.Errorf("the submission of the erased case: %v", err)
		}
	}
}

// now is the instant by the clock of the database.
func (f *form) now() (at time.Time) {
	f.t.Helper()
	if err := f.ledger().QueryRowContext(f.t.Context(), `select now()`).Scan(&at); err != nil {
		f.t.Fatal(err)
	}
	return at.UTC()
}

// archive has the log archived up to here, and waits for it.
func (f *form) archive() {
	f.t.Helper()
	db := f.ledger()
	var segment string
	if err := db.QueryRowContext(f.t.Context(), `select pg_walfile_name(pg_switch_wal())`).Scan(&segment); err != nil {
		f.t.Fatal(err)
	}
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); ; <-look.C {
		var last string
		if err := db.QueryRowContext(f.t.Context(), `select coalesce(last_archived_wal, '') from pg_stat_archiver`).Scan(&last); err != nil {
			f.t.Fatal(err)
		}
		if last >= segment {
			return
		}
		if time.Now().After(end) {
			f.t.Fatalf("%s is not archived, but %s", segment, last)
		}
	}
}

// submitAgain files once more what the ledger has lost, and checks that this is nothing but what came after the instant.
func (l *load) submitAgain(instant time.Time) {
	l.t.Helper()
	db := l.f.ledger()
	var lost int
	for id, receipt := range l.receipts {
		var there bool
		if err := db.QueryRowContext(l.t.Context(), `select exists (select from cases where id = $1)`, receipt.CaseId).Scan(&there); err != nil {
			l.t.Fatal(err)
		}
		if there {
			continue
		}
		lost++
		if receipt.ReceivedAt.Before(instant.Add(-time.Second)) {
			l.t.Errorf("case %s of %v is not in the ledger of %v", receipt.CaseId, receipt.ReceivedAt, instant)
		}
		l.receipts[id] = l.send(id)
	}
	if lost == 0 || lost == len(l.receipts) {
		l.t.Errorf("%d of %d submissions were lost: the ledger did not go back to %v", lost, len(l.receipts), instant)
	}
}
