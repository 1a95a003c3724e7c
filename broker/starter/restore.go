package starter

import (
	"context"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// Restored forgets what was handed over, after a restore and before anything is served: the process engine may be empty
// or older than the ledger. It drops what it has.
func Restored(ctx context.Context, tx *sqlstore.Tx) error {
	_, err := tx.Exec(ctx, `delete from consumer_positions where consumer = $1`, Consumer)
	return err
}
