package assembly

import (
	"log/slog"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/efa-broker/efa-broker/broker/casework"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/release"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// openPast opens a broker, without engines, on a database as a program of that version left it.
func openPast(t *testing.T, version int64) *Broker {
	t.Helper()
	place := sqlstoretest.Past(t, version)
	cfg := Config{Dir: filepath.Dir(place.Path), Operator: "bayern", Log: slog.New(slog.DiscardHandler)}
	if place.URL != "" {
		cfg.Dir, cfg.LedgerURL, cfg.KeysURL = t.TempDir(), place.URL, sqlstoretest.KeyDatabase(t)
	}
	b, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.stores.close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// The rooms read what an earlier program wrote, and go on where it stopped.
func TestABrokerGoesOnWithADatabaseOfEveryEarlierVersion(t *testing.T) {
	t.Parallel()
	for _, version := range sqlstoretest.Versions(t) {
		t.Run(strconv.FormatInt(version, 10), func(t *testing.T) {
			t.Parallel()
			b := openPast(t, version)
			readsPast(t, b, version)
			office := actor.Viewer{
				Actor: actor.Actor{ID: "gewerbeamt-nuernberg", Role: actor.System, Authority: "gewerbeamt-nuernberg"}, Operator: "bayern", Tenant: "nuernberg",
			}
			held, err := b.domains.casework.Return(t.Context(), office, event.Reception{At: b.stores.db.Now()}, sqlstoretest.PastCase+".forward.1")
			if err != nil || held.State != task.NotCompetent {
				t.Errorf("the task that was open: %+v, %v", held, err)
			}
			proven(t, b, sqlstoretest.PastEvents+1)
		})
	}
}

// proven checks that the case of the past has n events, each with its receipt.
func proven(t *testing.T, b *Broker, n int64) {
	t.Helper()
	v, err := b.Verify(t.Context())
	if err != nil || !v.Valid || v.Cases != 1 || v.Receipts != n {
		t.Errorf("receipts: %+v, %v, want %d", v, err, n)
	}
	events, err := b.domains.ledger.CaseEvents(t.Context(), b.stores.db.Read(), sqlstoretest.PastCase, 0, 100)
	if err != nil || int64(len(events)) != n {
		t.Errorf("%d events, %v, want %d", len(events), err, n)
	}
}

// readsPast reads what a program of that version wrote, through the rooms that own it.
func readsPast(t *testing.T, b *Broker, version int64) {
	t.Helper()
	ctx, d := t.Context(), b.domains
	proven(t, b, sqlstoretest.PastEvents)
	host := actor.Viewer{Actor: actor.Actor{ID: "operator-bayern", Role: actor.OperatorAdmin}, Operator: "bayern"}
	cases, _, err := d.casework.Cases(ctx, host, "", 10)
	if err != nil || len(cases) != 1 || cases[0].ID != sqlstoretest.PastCase {
		t.Errorf("cases %+v, %v", cases, err)
	}
	tasks, _, err := d.casework.Tasks(ctx, host, casework.TaskFilter{}, "", 10)
	if err != nil || len(tasks) != 2 {
		t.Errorf("tasks %+v, %v", tasks, err)
	}
	found, err := d.casework.Load(ctx, sqlstoretest.PastCase)
	if err != nil || found.Definition == "" {
		t.Errorf("for the process: %+v, %v", found, err)
	}
	results, err := d.ledger.Results(ctx, b.stores.db.Read(), sqlstoretest.PastCase)
	if err != nil || len(results) != 3 {
		t.Errorf("steps %+v, %v", results, err)
	}
	disclosures, _, err := d.release.Disclosures(ctx, host, release.Filter{Limit: 10})
	if err != nil || len(disclosures) != 2 {
		t.Errorf("disclosures %+v, %v", disclosures, err)
	}
	letters, _, err := d.deadletter.List(ctx, host, "", "", 10)
	if err != nil || (len(letters) == 1) != (version >= 2) {
		t.Errorf("letters %+v, %v", letters, err)
	}
	acts, _, err := d.erasure.Acts(ctx, host, "", "", 10)
	if err != nil || (len(acts) == 1) != (version >= 3) {
		t.Errorf("acts %+v, %v", acts, err)
	}
}
