package watermark_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/internal/watermark"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/contractstest"
	"github.com/efa-broker/efa-broker/contracts/event"
)

const (
	ms     = time.Millisecond
	office = authority.ID("gewerbeamt-muenchen")
)

// site is one database; each replica has its own handle, as processes have.
type site struct {
	t     *testing.T
	place sqlstore.Config
	clock *contractstest.Clock
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t, sqlstoretest.Place(t), contractstest.NewClock()}
	s.place.Now = s.clock.Now
	return s
}

func (s *site) open() *sqlstore.DB {
	s.t.Helper()
	return sqlstoretest.OpenConfig(s.t, s.place)
}

func (s *site) replica(cfg watermark.Config) (*watermark.Replica, *sqlstore.DB) {
	s.t.Helper()
	if cfg.DB = s.open(); cfg.TTL == 0 {
		cfg.TTL = time.Minute
	}
	r := watermark.New(cfg)
	if err := r.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return r, cfg.DB
}

func receive(t *testing.T, r *watermark.Replica) (event.Reception, func()) {
	t.Helper()
	stamp, release, err := r.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return stamp, release
}

func write(t *testing.T, db *sqlstore.DB, fn func(ctx context.Context, tx *sqlstore.Tx) error) error {
	t.Helper()
	return db.Write(t.Context(), func(tx *sqlstore.Tx) error { return fn(t.Context(), tx) })
}

// caughtUp asks as a worker without a door of its own does.
func caughtUp(t *testing.T, db *sqlstore.DB, due time.Time) error {
	t.Helper()
	return write(t, db, func(ctx context.Context, tx *sqlstore.Tx) error { return watermark.CaughtUp(ctx, tx, office, due) })
}

func check(t *testing.T, db *sqlstore.DB, stamp event.Reception) error {
	t.Helper()
	return write(t, db, func(ctx context.Context, tx *sqlstore.Tx) error { return watermark.Check(ctx, tx, stamp) })
}

func TestTheWatermarkIsTheOldestRequestInHandElseNow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r, db := s.replica(watermark.Config{Source: "replica/a"})
	due := s.clock.Now().Add(time.Second)
	s.clock.Set(due)
	first, releaseFirst := receive(t, r)
	s.clock.Advance(ms)
	second, releaseSecond := receive(t, r)
	if !first.At.Equal(due) || !second.At.Equal(due.Add(ms)) || first.Source != "replica/a" {
		t.Fatalf("%+v, %+v", first, second)
	}
	s.clock.Advance(watermark.Tolerance)
	own := func() error {
		return write(t, db, func(ctx context.Context, tx *sqlstore.Tx) error { return r.CaughtUp(ctx, tx, office, due) })
	}
	if err := own(); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("a request that was received at the due instant is in hand: %v", err)
	}
	releaseFirst()
	releaseFirst() // a second time changes nothing
	if err := own(); err != nil {
		t.Errorf("only a later one is in hand: %v", err)
	}
	releaseSecond()
	if err := own(); err != nil {
		t.Error(err)
	}
}

// What others have published counts, not what they have in hand now: they say so at their next turn.
func TestAnotherReplicaIsWaitedForUntilItHasPublished(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	busy, _ := s.replica(watermark.Config{Source: "replica/a"})
	_, db := s.replica(watermark.Config{Source: "replica/b"})
	due := s.clock.Now()
	stamp, release := receive(t, busy)
	s.clock.Advance(2 * time.Second)
	for name, step := range map[string]func() error{"before": func() error { return nil }, "with a request in hand": func() error { return busy.Renew(t.Context()) }} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		if err := caughtUp(t, db, due); contracts.KindOf(err) != contracts.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := check(t, db, stamp); err != nil {
		t.Errorf("what it has in hand is not taken: %v", err)
	}
	release()
	if err := busy.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	idle := watermark.New(watermark.Config{DB: db, Source: "replica/b", TTL: time.Minute})
	if err := idle.Start(t.Context()); err == nil {
		t.Fatal("two processes took one source")
	}
}

func TestWhoHasGoneIsLeftOutAndItsHandIsNotTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	gone, _ := s.replica(watermark.Config{Source: "replica/a"})
	due := s.clock.Now()
	stale, release := receive(t, gone)
	defer release()
	db := s.open()
	s.clock.Advance(time.Minute) // its lease ends at this instant
	if err := caughtUp(t, db, due); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("left out before its lease has lapsed: %v", err)
	}
	s.clock.Advance(ms)
	if err := caughtUp(t, db, due); err != nil {
		t.Fatalf("who has gone holds deadlines up: %v", err)
	}
	if err := check(t, db, stale); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("what it has in hand is taken: %v", err)
	}
	if err := gone.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	fresh, _ := receive(t, gone)
	if err := check(t, db, fresh); err != nil || fresh.Epoch <= stale.Epoch {
		t.Errorf("it does not begin anew: %+v, %v", fresh, err)
	}
	if err := check(t, db, stale); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("what it had in hand is taken under its new epoch: %v", err)
	}
	// A lapsed lease that nobody minded is renewed under its epoch: nothing was decided without it.
	s.clock.Advance(time.Hour)
	if err := gone.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := check(t, db, fresh); err != nil {
		t.Errorf("nobody left it out: %v", err)
	}
}

func TestAReplicaThatStopsHoldsNothingUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r, _ := s.replica(watermark.Config{Source: "replica/a"})
	due := s.clock.Now()
	s.clock.Advance(watermark.Tolerance + ms)
	db := s.open()
	if err := caughtUp(t, db, due); err == nil {
		t.Fatal("it was not waited for while it ran")
	}
	for range 2 {
		if err := r.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := caughtUp(t, db, due); err != nil {
		t.Error(err)
	}
	if _, _, err := r.Receive(); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("received after the stop: %v", err)
	}
	if err := watermark.New(watermark.Config{DB: db, Source: "replica/b"}).Stop(t.Context()); err != nil {
		t.Errorf("stopped before the start: %v", err)
	}
}

// No stamp is earlier than a watermark that was published before it, also when the clock is set back a little.
func TestAClockThatIsSetBackALittleStandsStill(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r, _ := s.replica(watermark.Config{Source: "replica/a"})
	published := s.clock.Now()
	s.clock.Advance(-watermark.Tolerance)
	if stamp, _ := receive(t, r); !stamp.At.Equal(published) {
		t.Errorf("stamped %s, published was %s", stamp.At, published)
	}
	s.clock.Advance(2 * watermark.Tolerance)
	if stamp, _ := receive(t, r); !stamp.At.Equal(published.Add(watermark.Tolerance)) {
		t.Errorf("stamped %s", stamp.At)
	}
	s.clock.Advance(-time.Hour) // a jump is followed: the clock was wrong before
	if stamp, _ := receive(t, r); !stamp.At.Equal(s.clock.Now()) {
		t.Errorf("stamped %s, the clock shows %s", stamp.At, s.clock.Now())
	}
}

// A replica whose clock is off receives nothing and writes nothing; the other one carries on, and is not held up for longer
// than a lease. Stamps are the database's clock, whatever the machine's own shows.
func TestAReplicaWhoseClockIsOffWritesNothingAndTheOtherCarriesOn(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t) // SQLite's clock is the machine's
	s := newSite(t)
	var offset atomic.Int64
	s.place.Now = nil
	right := s.open()
	s.place.Machine = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	offset.Store(int64(time.Hour))
	wrong := s.open()
	insert := func(db *sqlstore.DB, id string) error {
		return write(t, db, func(ctx context.Context, tx *sqlstore.Tx) error {
			_, err := tx.Exec(ctx, `insert into tenants (id, operator, name) values ($1, 'bayern', '')`, id)
			return err
		})
	}
	other := watermark.New(watermark.Config{DB: right, Source: "replica/b", TTL: time.Minute})
	off := watermark.New(watermark.Config{DB: wrong, Source: "replica/a", TTL: time.Minute})
	for _, r := range []*watermark.Replica{other, off} {
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := off.Receive(); contracts.KindOf(err) != contracts.Unavailable || off.Ready(t.Context()) == nil {
		t.Errorf("it receives: %v", err)
	}
	if err := insert(wrong, "wrong"); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("it writes: %v", err)
	}
	if err := off.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	stamp, release := receive(t, other)
	release()
	if err := insert(right, "right"); err != nil {
		t.Errorf("the other one does not write: %v", err)
	}
	if err := write(t, right, func(ctx context.Context, tx *sqlstore.Tx) error {
		return other.CaughtUp(ctx, tx, office, stamp.At.Add(-time.Minute))
	}); err != nil {
		t.Errorf("a replica that never began holds deadlines up: %v", err)
	}
}

func TestAReplicaReceivesNothingWithoutALease(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	db := s.open()
	r := watermark.New(watermark.Config{DB: db, Source: "replica/a", TTL: time.Microsecond})
	if _, _, err := r.Receive(); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("before the start: %v", err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Receive(); contracts.KindOf(err) != contracts.Unavailable || r.Ready(t.Context()) == nil {
		t.Errorf("after its time: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(ctx); err != nil {
		t.Error(err)
	}
}

// A partition belongs to one authority, is never left out, and has one reader at a time.
func TestAPartitionIsReadUpToByItsAuthoritysDeadlinesOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	db := s.open()
	const source = "outbox/gewerbeamt-muenchen/0"
	due := s.clock.Now()
	var first, second int64
	for _, step := range []func(ctx context.Context, tx *sqlstore.Tx) error{
		func(ctx context.Context, tx *sqlstore.Tx) error { return watermark.Declare(ctx, tx, source, office) },
		func(ctx context.Context, tx *sqlstore.Tx) (err error) {
			first, err = watermark.Take(ctx, tx, source)
			return err
		},
		func(ctx context.Context, tx *sqlstore.Tx) error { return watermark.Declare(ctx, tx, source, office) },
	} {
		if err := write(t, db, step); err != nil {
			t.Fatal(err)
		}
	}
	s.clock.Advance(1000 * time.Hour)
	if err := caughtUp(t, db, due); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("a partition that nobody reads was left out: %v", err)
	}
	if err := write(t, db, func(ctx context.Context, tx *sqlstore.Tx) error {
		return watermark.CaughtUp(ctx, tx, "gewerbeamt-nuernberg", due)
	}); err != nil {
		t.Errorf("another authority's deadline waits for it: %v", err)
	}
	advance := func(epoch int64, to time.Time) error {
		return write(t, db, func(ctx context.Context, tx *sqlstore.Tx) error {
			return watermark.Advance(ctx, tx, event.Reception{At: to, Source: source, Epoch: epoch})
		})
	}
	if err := advance(first, due); err != nil {
		t.Fatal(err)
	}
	if err := caughtUp(t, db, due); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("read up to the due instant only: %v", err)
	}
	if err := write(t, db, func(ctx context.Context, tx *sqlstore.Tx) (err error) {
		second, err = watermark.Take(ctx, tx, source)
		return err
	}); err != nil || second != first+1 {
		t.Fatalf("taken over under epoch %d, %v", second, err)
	}
	if err := advance(first, due.Add(ms)); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("advanced by an earlier reader: %v", err)
	}
	if err := check(t, db, event.Reception{Source: source, Epoch: first}); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("brought by an earlier reader: %v", err)
	}
	if err := advance(second, due.Add(ms)); err != nil {
		t.Fatal(err)
	}
	if err := caughtUp(t, db, due); err != nil {
		t.Error(err)
	}
	if err := write(t, db, func(ctx context.Context, tx *sqlstore.Tx) error {
		_, err := watermark.Take(ctx, tx, "outbox/nobody/0")
		return err
	}); err == nil {
		t.Error("an undeclared partition was taken")
	}
}

// While requests come and go, the watermark is never beyond a stamp that is given out later, nor beyond one in hand.
func TestNoStampIsEarlierThanAPublishedWatermark(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	r := watermark.New(watermark.Config{DB: db, Source: "replica/a"})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	published := func() (at time.Time) {
		if err := db.Read().QueryRowContext(t.Context(), `select watermark from watermarks`).Scan(&at); err != nil {
			t.Error(err)
		}
		return at
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				before := published()
				stamp, release, err := r.Receive()
				if err != nil {
					t.Error(err)
					return
				}
				if with := published(); stamp.At.Before(before) || with.After(stamp.At) {
					t.Errorf("stamped %s, published %s before and %s with it in hand", stamp.At, before, with)
				}
				release()
			}
		})
	}
	wg.Go(func() {
		for range 40 {
			if err := r.Renew(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}
