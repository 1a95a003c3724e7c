package watermark

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// row is a source as the table has it.
type row struct {
	source  string
	epoch   int64
	mark    time.Time
	expires sql.NullTime
}

// CaughtUp returns nil when nothing that an authority has sent can be on its way into the ledger any more that was
// received by the instant due. Else it is Unavailable: ask again soon. A replica that holds this up with a lapsed lease is
// left out. It is called when the case is locked, so that whatever it left out meets the same lock.
//
// The database's own clock has to be past due by Tolerance: a replica that begins now may read its clock as late as that.
func CaughtUp(ctx context.Context, tx *sqlstore.Tx, a authority.ID, due time.Time) error {
	const op = "wait for ingress"
	if now := tx.Now(); !now.After(due.Add(Tolerance)) {
		return contracts.Errorf(contracts.Unavailable, op, "the due instant %s has not passed", due.Format(time.RFC3339Nano))
	}
	rows, err := sources(ctx, tx, a)
	if err != nil {
		return fmt.Errorf("read watermarks: %w", err)
	}
	for _, s := range rows {
		if s.mark.After(due) {
			continue
		}
		gone, err := s.leaveOut(ctx, tx)
		if err != nil {
			return fmt.Errorf("leave out %s: %w", s.source, err)
		}
		if !gone {
			return contracts.Errorf(contracts.Unavailable, op, "%s has come to %s, the due instant is %s", s.source,
				s.mark.Format(time.RFC3339Nano), due.Format(time.RFC3339Nano))
		}
	}
	return nil
}

func sources(ctx context.Context, tx *sqlstore.Tx, a authority.ID) (out []row, err error) {
	rows, err := tx.QueryContext(ctx, `select source, epoch, watermark, expires_at from watermarks where authority in ('', $1) order by source`, a)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s row
		if err := rows.Scan(&s.source, &s.epoch, &s.mark, &s.expires); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// leaveOut takes the row of a lapsed source away. It reports false for one that is not lapsed, or was renewed just now.
func (s row) leaveOut(ctx context.Context, tx *sqlstore.Tx) (bool, error) {
	if !s.expires.Valid || !tx.Now().After(s.expires.Time) {
		return false, nil
	}
	res, err := tx.Exec(ctx, `delete from watermarks where source = $1 and epoch = $2 and expires_at < $3`, s.source, s.epoch, tx.Now())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

const countSource = `select count(*) from watermarks where source = $1 and epoch = $2`

// CheckAhead says that Check will be called; see Tx.Ahead. The lock of the case comes before it.
func CheckAhead(tx *sqlstore.Tx, stamp event.Reception) {
	if stamp.Source != "" {
		tx.Ahead(countSource, stamp.Source, stamp.Epoch)
	}
}

// Check refuses what a source brings that was left out since it received it. It is called in the transaction that records
// it, when the case is locked. What was received by nobody in particular passes.
func Check(ctx context.Context, tx *sqlstore.Tx, stamp event.Reception) error {
	if stamp.Source == "" {
		return nil
	}
	var n int
	err := tx.QueryRowContext(ctx, countSource, stamp.Source, stamp.Epoch).Scan(&n)
	if err != nil {
		return fmt.Errorf("check receipt: %w", err)
	}
	if n == 0 {
		return contracts.Errorf(contracts.Unavailable, "check receipt", "%s was left out after it received this; it counts when it is sent again", stamp.Source)
	}
	return nil
}
