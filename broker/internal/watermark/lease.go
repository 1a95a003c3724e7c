package watermark

import (
	"context"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

// renewals is how often a lease is renewed within its time to live.
const renewals = 3

// Start takes the lease, so that requests can be received when it returns. Where that fails for a while, because the
// database does not answer or this machine's clock is off, it is no error: the replica starts and is not ready.
func (r *Replica) Start(ctx context.Context) error {
	err := r.Renew(ctx)
	if contracts.KindOf(err) == contracts.Unavailable && err != nil {
		r.cfg.Log.ErrorContext(ctx, "nothing is received yet", "source", r.cfg.Source, "error", err)
		return nil
	}
	return err
}

// Run renews the lease until ctx ends. A renewal that fails is tried again at the next turn; until then the replica is
// waited for, and then left out.
func (r *Replica) Run(ctx context.Context) error {
	turn := time.NewTicker(r.cfg.TTL / renewals)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-turn.C:
			if err := r.Renew(ctx); err != nil && ctx.Err() == nil {
				r.cfg.Log.WarnContext(ctx, "lease not renewed", "source", r.cfg.Source, "error", err)
			}
		}
	}
}

// Renew publishes the watermark and renews the lease; a replica that was left out begins anew under
// another epoch, without what it had in hand.
func (r *Replica) Renew(ctx context.Context) error {
	began := time.Now()
	var epoch int64
	var left bool
	err := r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		var mark time.Time
		epoch, mark = r.mark()
		held, err := r.publish(ctx, tx, epoch, mark)
		if left = !held; err != nil || held {
			return err
		}
		epoch++
		_, err = tx.Exec(ctx, `insert into watermarks (source, authority, epoch, watermark, expires_at) values ($1, '', $2, $3, $4)`,
			r.cfg.Source, epoch, tx.Now(), tx.Now().Add(r.cfg.TTL))
		return err
	})
	if err != nil {
		return fmt.Errorf("renew lease of %s: %w", r.cfg.Source, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if left {
		r.epoch = epoch
		clear(r.hand)
	}
	r.renewed = began
	return nil
}

// Stop gives the lease back, so that no deadline waits for it to lapse. It is called when nothing is received any more.
func (r *Replica) Stop(ctx context.Context) error {
	r.mu.Lock()
	epoch, held := r.epoch, !r.renewed.IsZero()
	r.renewed = time.Time{}
	r.mu.Unlock()
	if !held {
		return nil
	}
	err := r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(ctx, `delete from watermarks where source = $1 and epoch = $2`, r.cfg.Source, epoch)
		return err
	})
	if err != nil {
		return fmt.Errorf("give back lease of %s: %w", r.cfg.Source, err)
	}
	return nil
}
