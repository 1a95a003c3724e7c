package world_test

import (
	"log/slog"
	"testing"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/assembly"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/world"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
)

func open(t *testing.T) *world.World {
	t.Helper()
	cfg := world.Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	if sqlstoretest.Postgres() {
		cfg.LedgerURL, cfg.KeysURL = databases(t)
	}
	w, err := world.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// databases are two empty ones to which the migrations were applied.
func databases(t *testing.T) (ledger, keys string) {
	t.Helper()
	ledger, keys = sqlstoretest.Database(t), sqlstoretest.KeyDatabase(t)
	if err := assembly.Migrate(t.Context(), assembly.Config{Dir: t.TempDir(), LedgerURL: ledger, KeysURL: keys}); err != nil {
		t.Fatal(err)
	}
	return ledger, keys
}

func count(t *testing.T, w *world.World, query string) (n int) {
	t.Helper()
	if err := w.DB.Read().QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPreparedRequestsGoThroughTheWholeBroker(t *testing.T) {
	t.Parallel()
	w := open(t)
	tasks, err := w.Tasks(t.Context(), 2, 10)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := w.Answers(tasks)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range answers {
		if _, err := w.Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{
		`select count(*) from cases`:                                                         2,
		`select count(*) from tasks where state = 'completed'`:                               10,
		`select count(*) from events`:                                                        22,
		`select count(*) from decisions`:                                                     10,
		`select count(*) from contents where kind = 'application' and length(sealed) > 4096`: 2,
	} {
		if got := count(t, w, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	if n, err := w.Unpublished(t.Context()); err != nil || n != 22 {
		t.Errorf("%d unpublished, %v", n, err)
	}
	if err := w.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	unpublished, err := w.Unpublished(t.Context())
	undelivered, err2 := w.Undelivered(t.Context())
	if err != nil || err2 != nil || unpublished+undelivered != 0 {
		t.Errorf("%d unpublished, %d undelivered, %v, %v", unpublished, undelivered, err, err2)
	}
}

func TestTheRegisterGrowsAndShrinks(t *testing.T) {
	t.Parallel()
	w := open(t)
	r, err := w.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	carried := count(t, w, `select count(*) from authorities`)
	for _, c := range []struct{ size, want int }{{10, r.Smallest()}, {300, 300}, {150, 150}, {300, 300}, {0, carried}} {
		if err := r.Resize(t.Context(), c.size); err != nil {
			t.Fatal(err)
		}
		made := c.want - carried
		for query, want := range map[string]int{
			`select count(*) from authorities`:                                c.want,
			`select count(*) from competences where authority like 'bench-%'`: made,
			`select count(*) from principals where id like 'bench-%'`:         made,
			`select count(*) from tenants where id like 'bench-%'`:            made,
		} {
			if got := count(t, w, query); got != want {
				t.Errorf("size %d: %s: %d, want %d", c.size, query, got, want)
			}
		}
	}
}

func TestARefusalIsNoMeasurement(t *testing.T) {
	t.Parallel()
	w := open(t)
	r, err := w.Outcome(world.Task{ID: "unknown", Holder: world.Office})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Do(t.Context(), r); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestALedgerInUseIsRefusedAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	ledger, keys := databases(t)
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: ledger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	err = db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into tenants (id, operator, name) values ('muenchen', 'bayern', 'München')`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = world.Open(t.Context(), world.Config{Dir: t.TempDir(), LedgerURL: ledger, KeysURL: keys, Log: slog.New(slog.DiscardHandler)})
	if contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("got %v", err)
	}
	var n int
	if err := db.Read().QueryRowContext(t.Context(), `select (select count(*) from definitions) + (select count(*) from receipt_keys)`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows were written, %v", n, err)
	}
}
