package relay

import (
	"context"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// Restored marks every event as unpublished, after a restore and before anything is served: the event log is empty then.
// Consumers drop the sequences that they have.
func Restored(ctx context.Context, tx *sqlstore.Tx) error {
	_, err := tx.Exec(ctx, `update outbox set published_at = null`)
	return err
}
