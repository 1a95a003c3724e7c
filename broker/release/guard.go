package release

import (
	"context"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

// guard takes the rows that withdrawal, objection and erasure take too, in the order that all keep: subjects, ids
// ascending, then the case, whose receipt chain grows (DESIGN law 4). From the event of its erasure on nothing of a case
// is released, although somebody may have opened its content before.
func guard(ctx context.Context, tx *sqlstore.Tx, caseID string) error {
	for _, query := range []string{
		`select id from subjects where id in (select subject from case_subjects where case_id = $1) order by id` + tx.ForShare(),
		`select id from cases where id = $1` + tx.ForUpdate(),
	} {
		if err := touch(ctx, tx, query, caseID); err != nil {
			return contracts.Errorf(contracts.Unavailable, "take guard rows", "%w", err)
		}
	}
	var erased int
	if err := tx.QueryRowContext(ctx, `select count(*) from erased_cases where case_id = $1`, caseID).Scan(&erased); err != nil {
		return contracts.Errorf(contracts.Unavailable, "look for erasure", "%w", err)
	}
	if erased > 0 {
		return unknown()
	}
	return nil
}

// touch reads every row of a query, which locks it.
func touch(ctx context.Context, tx *sqlstore.Tx, query, caseID string) error {
	rows, err := tx.QueryContext(ctx, query, caseID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}
