// Package position keeps how far a consumer of efa.cases has come in each case, so that repeated sequences are dropped
// (DESIGN decision 3). The position is written in the same transaction as the consumer's own rows.
package position

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/event"
)

const selectPosition = `select case_seq from consumer_positions where consumer = $1 and case_id = $2`

// OfAhead says that Of will be asked; see Tx.Ahead.
func OfAhead(tx *sqlstore.Tx, consumer, caseID string) { tx.Ahead(selectPosition, consumer, caseID) }

// Of reads the last case_seq that consumer has handled; 0 when none.
func Of(ctx context.Context, q sqlstore.Querier, consumer, caseID string) (int64, error) {
	var seq int64
	err := q.QueryRowContext(ctx, selectPosition, consumer, caseID).Scan(&seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read position of %s: %w", consumer, err)
	}
	return seq, nil
}

// Advance sets the position of consumer in a case; it never goes back.
func Advance(ctx context.Context, tx *sqlstore.Tx, consumer, caseID string, seq int64) error {
	err := tx.Put(ctx, `insert into consumer_positions (consumer, case_id, case_seq) values ($1, $2, $3)
		on conflict (consumer, case_id) do update set case_seq = excluded.case_seq where excluded.case_seq > consumer_positions.case_seq`,
		consumer, caseID, seq)
	if err != nil {
		return fmt.Errorf("advance position of %s: %w", consumer, err)
	}
	return nil
}

// Jumps reports whether the first record of a case in the batch lies behind events that the consumer, which has handled
// the case up to done, was never given.
func Jumps(events []event.Recorded, caseID string, done int64) bool {
	first := slices.IndexFunc(events, func(e event.Recorded) bool { return e.Case == caseID && e.CaseSeq > done })
	return first >= 0 && events[first].CaseSeq > done+1
}

// Cases lists the cases of a batch, each once, in the order in which they first appear.
func Cases(events []event.Recorded) []string {
	var out []string
	for _, e := range events {
		if !slices.Contains(out, e.Case) {
			out = append(out, e.Case)
		}
	}
	return out
}
