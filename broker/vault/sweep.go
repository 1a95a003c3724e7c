package vault

import (
	"context"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

// Run removes pending objects that no event has committed in time, at once and then every SweepEvery, until ctx ends,
// under the lease with which it sweeps. A sweep that fails is logged and repeated with the next.
func (v *Vault) Run(ctx context.Context, l lease.Lease) error {
	tick := time.NewTicker(v.sweepEvery)
	defer tick.Stop()
	for {
		n, err := v.Sweep(ctx, l)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			v.log.WarnContext(ctx, "pending contents were not swept", "error", err)
		case n > 0:
			v.log.InfoContext(ctx, "pending contents swept", "contents", n)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep removes the pending objects that are older than PendingAge by the database's clock and says how many.
func (v *Vault) Sweep(ctx context.Context, l lease.Lease) (n int64, err error) {
	err = v.ledger.Write(ctx, func(tx *sqlstore.Tx) error {
		if err := lease.Check(ctx, tx, l); err != nil {
			return err
		}
		res, err := tx.Exec(ctx, `delete from contents where state = $1 and created_at < $2`, pending, tx.Now().Add(-v.pendingAge))
		if err != nil {
			return contracts.Errorf(contracts.Unavailable, "sweep contents", "%w", err)
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}
