//go:build next

package assembly

import (
	"context"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// renew lets the rooms understand the next version of an event as the one before.
func (d *domains) renew() {
	d.ledger.Project(func(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error {
		if r.Type != event.TypeCaseAcknowledgedNext {
			return nil
		}
		r.Type = event.TypeCaseAcknowledged
		return d.casework.Project(ctx, tx, r)
	})
}
