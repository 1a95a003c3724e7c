package watermark_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
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
	path  string
	clock *contractstest.Clock
}

func newSite(t *testing.T) *site {
	t.Helper()
	return &site{t, filepath.Join(t.TempDir(), "ledger.db"), contractstest.NewClock()}
}

func (s *site) open() *sqlstore.DB {
	s.t.Helper()
	db, err := sqlstore.Open(s.t.Context(), sqlstore.Config{Path: s.path, Now: s.clock.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return db
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

// A replica whose clock is off turns not ready, receives nothing and writes nothing; the other one carries on, and is not
// held up for longer than a lease.
func TestAReplicaWhoseClockIsOffWritesNothingAndTheOtherCarriesOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var offset time.Duration
	off, offDB := s.replica(watermark.Config{Source: "replica/a", Offset: func(context.Context) (time.Duration, error) { return offset, nil }})
	other, otherDB := s.replica(watermark.Config{Source: "replica/b"})
	insert := func(db *sqlstore.DB, id string) error {
		return write(t, db, func(ctx context.Context, tx *sqlstore.Tx) error {
			_, err := tx.Exec(ctx, `insert into tenants (id, operator, name) values ($1, 'bayern', '')`, id)
			return err
		})
	}
	ready := func(name string, want bool) {
		t.Helper()
		if err := off.Ready(t.Context()); (err == nil) != want {
			t.Errorf("%s: ready = %v", name, err)
		}
		_, _, err := off.Receive()
		if (err == nil) != want {
			t.Errorf("%s: receives = %v", name, err)
		}
		if err := insert(offDB, name); (err == nil) != want || err != nil && contracts.KindOf(err) != contracts.Unavailable {
			t.Errorf("%s: writes = %v", name, err)
		}
	}
	for _, by := range []time.Duration{time.Hour, -time.Hour, watermark.Tolerance + ms, -watermark.Tolerance - ms} {
		offset = by
		if err := off.Renew(t.Context()); contracts.KindOf(err) != contracts.Unavailable {
			t.Fatalf("renewed %s off: %v", by, err)
		}
		ready("off "+by.String(), false)
		if err := other.Ready(t.Context()); err != nil {
			t.Errorf("the other one: %v", err)
		}
		if err := insert(otherDB, "other "+by.String()); err != nil {
			t.Errorf("the other one does not write: %v", err)
		}
		offset = watermark.Tolerance
		if err := off.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		ready("set again after "+by.String(), true)
	}
	started := watermark.New(watermark.Config{DB: s.open(), Source: "replica/c", Offset: func(context.Context) (time.Duration, error) { return time.Hour, nil }})
	if err := started.Start(t.Context()); err != nil || started.Ready(t.Context()) == nil {
		t.Errorf("a replica that starts with a wrong clock: %v, ready %v", err, started.Ready(t.Context()))
	}
	if err := started.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	silent := watermark.New(watermark.Config{DB: s.open(), Source: "replica/d", Offset: func(context.Context) (time.Duration, error) { return 0, errors.New("no answer") }})
	if err := silent.Start(t.Context()); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("clocks that cannot be compared: %v", err)
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
	path := filepath.Join(t.TempDir(), "ledger.db")
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
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
