package delivery

import (
	"context"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// Restored raises the epoch of every inbox after a restore, in a transaction of its own before anything is served: a
// cursor that an authority got before gets everything that is not done (DESIGN law 5).
//
// The epoch is the second of the restore, so that it differs from every epoch before, also those of a ledger that is
// lost. Authorities without an item get a counter too: the items that they got since the backup are forgotten, their
// cursors are not.
func Restored(ctx context.Context, tx *sqlstore.Tx) error {
	_, err := tx.Exec(ctx, `insert into inbox_counters (authority, epoch, seq) select id, $1, 0 from authorities where true
		on conflict (authority) do update set epoch = case when inbox_counters.epoch < excluded.epoch then excluded.epoch else inbox_counters.epoch + 1 end`,
		tx.Now().Unix())
	if err != nil {
		return fmt.Errorf("raise epoch of inboxes: %w", err)
	}
	return nil
}
