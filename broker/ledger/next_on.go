//go:build next

package ledger

import (
	"context"
	"fmt"
	"os"

	"github.com/efa-broker/efa-broker/broker/internal/next"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// renew writes an event as the next version does.
func renew(d event.Draft) event.Draft {
	switch data := d.Data.(type) {
	case event.TaskCompleted:
		d.Data = event.TaskCompletedNext{TaskCompleted: data, Program: next.Program}
	case event.CaseAcknowledged:
		if os.Getenv(next.Emit) != "" {
			d.Type, d.Data = event.TypeCaseAcknowledgedNext, event.CaseAcknowledgedNext{CaseAcknowledged: data, Program: next.Program}
		}
	}
	return d
}

// stamp writes the column of the next version.
func stamp(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error {
	if _, err := tx.Exec(ctx, `update events set recorded_by = $3 where case_id = $1 and case_seq = $2`, r.Case, r.CaseSeq, next.Program); err != nil {
		return fmt.Errorf("write who recorded the event: %w", err)
	}
	return nil
}
