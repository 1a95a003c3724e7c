package lease

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

// Lease is a right that was granted once; Valid tells whether it still holds.
type Lease struct {
	Name   string
	Holder string
	Epoch  int64
}

// Keeper takes and renews leases for one holder.
type Keeper struct {
	DB *sqlstore.DB
	// Holder identifies the process, new at every start.
	Holder string
	// TTL is how long a lease lives without renewal. Defaults to 6 seconds.
	TTL time.Duration
}

// ErrHeld is returned while somebody else holds the lease.
var ErrHeld = errors.New("the lease is held by another process")

// Acquire takes or renews the lease name. It returns ErrHeld while another holder's lease has not lapsed.
func (k Keeper) Acquire(ctx context.Context, name string) (Lease, error) {
	ttl := k.ttl()
	l := Lease{Name: name, Holder: k.Holder}
	err := k.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		var holder string
		var expires time.Time
		err := tx.QueryRowContext(ctx, `select holder, epoch, expires_at from leases where name = $1`+tx.ForUpdate(), name).Scan(&holder, &l.Epoch, &expires)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			l.Epoch = 1
			_, err = tx.Exec(ctx, `insert into leases (name, holder, epoch, expires_at) values ($1, $2, 1, $3)`, name, k.Holder, tx.Now().Add(ttl))
			return err
		case err != nil:
			return fmt.Errorf("read lease: %w", err)
		case holder != k.Holder && live(tx, expires, ttl):
			return ErrHeld
		case holder != k.Holder:
			l.Epoch++
		}
		_, err = tx.Exec(ctx, `update leases set holder = $2, epoch = $3, expires_at = $4 where name = $1`, name, k.Holder, l.Epoch, tx.Now().Add(ttl))
		return err
	})
	if err != nil {
		return Lease{}, fmt.Errorf("acquire lease %s: %w", name, err)
	}
	return l, nil
}

// live reports whether a lease that lives until expires is still held. No lease lives longer than ttl from now on, so one
// that claims to was taken before the clock was set back, and nobody waits for that clock to come again: should its holder
// live, the epoch keeps it from writing, and it takes the lease again in its turn.
func live(tx *sqlstore.Tx, expires time.Time, ttl time.Duration) bool {
	const skew = time.Second // as far as the clocks of two replicas may be apart
	now := tx.Now()
	return expires.After(now) && !expires.After(now.Add(ttl+2*skew))
}

// Hold does work under the lease name, whenever this process holds it, until ctx ends; then it gives the lease back. The
// context of work ends when the lease is lost, and work must return then; what it still writes fails at Check.
// Hold returns the error with which work ended by itself.
func (k Keeper) Hold(ctx context.Context, name string, work func(ctx context.Context, l Lease) error) error {
	for ctx.Err() == nil {
		l, err := k.Acquire(ctx, name)
		if err != nil {
			k.wait(ctx)
			continue
		}
		held, lose := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			err = work(held, l)
		}()
		lost := k.keep(ctx, l, done)
		lose()
		<-done
		if release := k.Release(context.WithoutCancel(ctx), l); !lost {
			return errors.Join(err, release)
		}
	}
	return nil
}

// keep renews l until it is lost, which the result tells, or until ctx ends or work is done.
func (k Keeper) keep(ctx context.Context, l Lease, done <-chan struct{}) (lost bool) {
	tick := time.NewTicker(k.ttl() / 3)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return false
		case <-ctx.Done():
			return false
		case <-tick.C:
			if now, err := k.Acquire(ctx, l.Name); err != nil || now.Epoch != l.Epoch {
				return ctx.Err() == nil
			}
		}
	}
}

// wait pauses before the next attempt at a lease that somebody else holds.
func (k Keeper) wait(ctx context.Context) {
	timer := time.NewTimer(k.ttl() / 3)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (k Keeper) ttl() time.Duration {
	if k.TTL == 0 {
		return 6 * time.Second
	}
	return k.TTL
}

// Release gives the lease back, so that another process need not wait for it to lapse.
func (k Keeper) Release(ctx context.Context, l Lease) error {
	return k.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(ctx, `update leases set expires_at = $4 where name = $1 and holder = $2 and epoch = $3`, l.Name, l.Holder, l.Epoch, tx.Now())
		return err
	})
}

const selectHeld = `select name from leases where name = $1 and holder = $2 and epoch = $3`

// CheckAhead says that Check will be called; see Tx.Ahead.
func CheckAhead(tx *sqlstore.Tx, l Lease) {
	tx.Ahead(selectHeld+tx.ForShare(), l.Name, l.Holder, l.Epoch)
}

// Check fails with Unavailable when the lease has changed hands; it is called in the transaction of every write that
// the lease protects, and until that has ended nobody else takes the lease.
func Check(ctx context.Context, tx *sqlstore.Tx, l Lease) error {
	err := tx.QueryRowContext(ctx, selectHeld+tx.ForShare(), l.Name, l.Holder, l.Epoch).Scan(new(string))
	if errors.Is(err, sql.ErrNoRows) {
		return contracts.Errorf(contracts.Unavailable, "check lease", "lease %s has changed hands", l.Name)
	}
	if err != nil {
		return fmt.Errorf("check lease %s: %w", l.Name, err)
	}
	return nil
}
