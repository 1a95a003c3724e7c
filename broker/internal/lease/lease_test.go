package lease_test

import (
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
