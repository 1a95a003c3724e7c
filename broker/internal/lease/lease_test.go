package lease_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
)

func TestALeaseChangesHandsOnlyWhenItLapsedOrWasGivenBack(t *testing.T) {
	t.Parallel()
	var seconds atomic.Int64
	db := sqlstoretest.OpenAt(t, func() time.Time { return time.Unix(1_800_000_000+seconds.Load(), 0) })
	a, b := lease.Keeper{DB: db, Holder: "a"}, lease.Keeper{DB: db, Holder: "b"}
	first, err := a.Acquire(t.Context(), "relay/0")
	if err != nil || first.Epoch != 1 {
		t.Fatalf("%+v %v", first, err)
	}
	if _, err := b.Acquire(t.Context(), "relay/0"); !errors.Is(err, lease.ErrHeld) {
		t.Fatalf("a held lease was given away: %v", err)
	}
	seconds.Add(5)
	if renewed, err := a.Acquire(t.Context(), "relay/0"); err != nil || renewed.Epoch != 1 {
		t.Fatalf("renewal %+v %v", renewed, err)
	}
	seconds.Add(7)
	second, err := b.Acquire(t.Context(), "relay/0")
	if err != nil || second.Epoch != 2 {
		t.Fatalf("lapsed lease %+v %v", second, err)
	}
	check := func(l lease.Lease) error {
		return db.Write(t.Context(), func(tx *sqlstore.Tx) error { return lease.Check(t.Context(), tx, l) })
	}
	if err := check(first); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("a stale holder may write: %v", err)
	}
	if err := check(second); err != nil {
		t.Error(err)
	}
	if err := b.Release(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if third, err := a.Acquire(t.Context(), "relay/0"); err != nil || third.Epoch != 3 {
		t.Errorf("released lease %+v %v", third, err)
	}
}

// A clock that jumps neither takes a lease from a holder that renews it nor makes the next one wait for the jump to be over.
func TestALeaseDoesNotFollowAJumpOfTheClock(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		var passed atomic.Int64
		db := sqlstoretest.OpenAt(t, func() time.Time { return time.Unix(1_800_000_000, passed.Load()) })
		a, b := lease.Keeper{DB: db, Holder: "a"}, lease.Keeper{DB: db, Holder: "b"}
		first, err := a.Acquire(t.Context(), "relay/0")
		if err != nil {
			t.Fatal(err)
		}
		passed.Add(int64(jump))
		if renewed, err := a.Acquire(t.Context(), "relay/0"); err != nil || renewed.Epoch != first.Epoch {
			t.Errorf("%s: its holder lost it: %+v, %v", jump, renewed, err)
		}
		if _, err := b.Acquire(t.Context(), "relay/0"); !errors.Is(err, lease.ErrHeld) {
			t.Errorf("%s: a lease that was renewed after the jump was given away: %v", jump, err)
		}
		passed.Add(int64(-jump))
		if second, err := b.Acquire(t.Context(), "relay/0"); err != nil || second.Epoch != first.Epoch+1 {
			t.Errorf("%s, and back: whoever comes next waits for it: %+v, %v", jump, second, err)
		}
	}
}

func TestWorkIsDoneByOneHolderAtATimeAndGoesOnWithTheNext(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	var working atomic.Int64
	started := make(chan string, 2)
	hold := func(ctx context.Context, holder string) <-chan error {
		ended := make(chan error, 1)
		k := lease.Keeper{DB: db, Holder: holder, TTL: 30 * time.Millisecond}
		go func() {
			ended <- k.Hold(ctx, "delivery", func(ctx context.Context, l lease.Lease) error {
				if working.Add(1) > 1 {
					t.Error("two holders work at the same time")
				}
				started <- l.Holder
				<-ctx.Done()
				working.Add(-1)
				return nil
			})
		}()
		return ended
	}
	ctxA, stopA := context.WithCancel(t.Context())
	endedA := hold(ctxA, "a")
	if first := <-started; first != "a" {
		t.Fatal(first)
	}
	ctxB, stopB := context.WithCancel(t.Context())
	endedB := hold(ctxB, "b")
	stopA()
	if err := <-endedA; err != nil {
		t.Error(err)
	}
	if second := <-started; second != "b" {
		t.Error(second)
	}
	stopB()
	if err := <-endedB; err != nil {
		t.Error(err)
	}
}

func TestAHolderThatLostItsLeaseStopsWorkingAndComesBack(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	epochs := make(chan int64)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- lease.Keeper{DB: db, Holder: "a", TTL: 30 * time.Millisecond}.Hold(ctx, "delivery", func(ctx context.Context, l lease.Lease) error {
			select {
			case epochs <- l.Epoch:
			case <-ctx.Done():
				return nil
			}
			<-ctx.Done()
			return nil
		})
	}()
	if first := <-epochs; first != 1 {
		t.Errorf("epoch %d", first)
	}
	if err := db.Write(t.Context(), func(tx *sqlstore.Tx) error { // somebody else took it and gave it back
		_, err := tx.Exec(t.Context(), `update leases set holder = 'b', epoch = 2, expires_at = $1`, tx.Now())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if again := <-epochs; again != 3 {
		t.Errorf("epoch %d, want a new one", again)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWorkThatEndsByItselfEndsTheHold(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	boom := errors.New("boom")
	err := lease.Keeper{DB: db, Holder: "a"}.Hold(t.Context(), "delivery", func(context.Context, lease.Lease) error { return boom })
	if !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}
