package casework

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// Due is the due instant of a task; the zero time when it has none or is not known.
func (c *Casework) Due(ctx context.Context, taskID string) (time.Time, error) {
	var due sql.NullTime
	err := c.cfg.DB.Read().QueryRowContext(ctx, `select due from tasks where id = $1`, taskID).Scan(&due)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("read due instant: %w", err)
	}
	return due.Time.UTC(), nil
}

// NextDue is the earliest due instant, not before from, of the open tasks of an authority that silence ends; false when
// there is none.
func (c *Casework) NextDue(ctx context.Context, a authority.ID, from time.Time) (time.Time, bool, error) {
	var due sql.NullTime
	err := c.cfg.DB.Read().QueryRowContext(ctx, `select due from tasks where authority = $1 and state = $2 and due >= $3 and silence_effect <> $4
		order by due limit 1`, a, task.Assigned, from, law.None).Scan(&due)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("read next due instant: %w", err)
	}
	return due.Time.UTC(), due.Valid, nil
}
