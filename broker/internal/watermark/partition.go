package watermark

import (
	"context"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Declare makes a partition known to which an authority writes itself: from now on its deadlines wait until the partition
// has been read. A second time changes nothing.
func Declare(ctx context.Context, tx *sqlstore.Tx, source string, a authority.ID) error {
	err := tx.Put(ctx, `insert into watermarks (source, authority, epoch, watermark, expires_at) values ($1, $2, 0, $3, null)
		on conflict (source) do nothing`, source, a, time.Unix(0, 0).UTC())
	if err != nil {
		return fmt.Errorf("declare partition %s: %w", source, err)
	}
	return nil
}

// Take makes the caller the reader of a declared partition and returns the epoch under which it brings what it reads; what
// an earlier reader still has in hand is not taken any more.
func Take(ctx context.Context, tx *sqlstore.Tx, source string) (epoch int64, err error) {
	err = moved(tx.Exec(ctx, `update watermarks set epoch = epoch + 1 where source = $1`, source))
	if err != nil {
		return 0, fmt.Errorf("take partition %s: %w", source, err)
	}
	if err := tx.QueryRowContext(ctx, `select epoch from watermarks where source = $1`, source).Scan(&epoch); err != nil {
		return 0, fmt.Errorf("take partition %s: %w", source, err)
	}
	return epoch, nil
}

// Advance says that whatever the reader brings from now on was received at to.At or later. Unavailable means that another
// reader has taken the partition.
func Advance(ctx context.Context, tx *sqlstore.Tx, to event.Reception) error {
	err := moved(tx.Exec(ctx, `update watermarks set watermark = $3 where source = $1 and epoch = $2`, to.Source, to.Epoch, to.At))
	if err != nil {
		return fmt.Errorf("advance partition %s: %w", to.Source, err)
	}
	return nil
}

// moved demands that a row was there.
func moved(res interface{ RowsAffected() (int64, error) }, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return contracts.Errorf(contracts.Unavailable, "move watermark", "it is not this reader's")
	}
	return err
}
