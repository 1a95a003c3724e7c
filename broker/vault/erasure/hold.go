package erasure

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// Hold forbids erasing a case until the hold is lifted. The same again is answered with the first act.
func (e *Eraser) Hold(ctx context.Context, v actor.Viewer, caseID string, reason act.Reason) (act.Act, error) {
	return e.onCase(ctx, v, caseID, act.Hold, reason, func(tx *sqlstore.Tx, c caseRow, held heldFor) (act.Act, error) {
		switch {
		case c.erasing:
			return act.Act{}, conflict("hold case", "case %s is erased", caseID)
		case held.reason == reason:
			return readAct(ctx, tx, held.act)
		case held.act != "":
			return act.Act{}, conflict("hold case", "the case is held for the reason %s; lift that hold first", held.reason)
		}
		a := ofCase(act.Hold, caseID, c, reason, v.Actor, tx.Now())
		if _, err := tx.Exec(ctx, `insert into case_holds (case_id, operator, reason, act_id) values ($1, $2, $3, $4)`,
			caseID, e.cfg.Operator, reason, a.ID); err != nil {
			return act.Act{}, contracts.Errorf(contracts.Unavailable, "hold case", "%w", err)
		}
		return a, write(ctx, tx, e.cfg.Operator, a)
	})
}

// LiftHold permits erasing a case again; a case that is not held is a Conflict.
func (e *Eraser) LiftHold(ctx context.Context, v actor.Viewer, caseID string, reason act.Reason) (act.Act, error) {
	return e.onCase(ctx, v, caseID, act.LiftHold, reason, func(tx *sqlstore.Tx, c caseRow, held heldFor) (act.Act, error) {
		if held.act == "" {
			return act.Act{}, conflict("lift hold", "the case is not held")
		}
		if _, err := tx.Exec(ctx, `delete from case_holds where case_id = $1`, caseID); err != nil {
			return act.Act{}, contracts.Errorf(contracts.Unavailable, "lift hold", "%w", err)
		}
		a := ofCase(act.LiftHold, caseID, c, reason, v.Actor, tx.Now())
		return a, write(ctx, tx, e.cfg.Operator, a)
	})
}

// heldFor is the hold of a case; empty when it is not held.
type heldFor struct {
	reason act.Reason
	act    string
}

// onCase checks access and reason and runs do under the lock of the case's row.
func (e *Eraser) onCase(ctx context.Context, v actor.Viewer, caseID string, kind act.Kind, reason act.Reason, do func(*sqlstore.Tx, caseRow, heldFor) (act.Act, error)) (act.Act, error) {
	if err := e.allow(ctx, v, caseID, decision.CaseHold); err != nil {
		return act.Act{}, err
	}
	if err := checkReason(kind, reason); err != nil {
		return act.Act{}, err
	}
	var out act.Act
	err := e.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		c, err := e.lock(ctx, tx, caseID)
		if err != nil {
			return err
		}
		var held heldFor
		err = tx.QueryRowContext(ctx, `select reason, act_id from case_holds where case_id = $1`, caseID).Scan(&held.reason, &held.act)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return contracts.Errorf(contracts.Unavailable, "read hold", "%w", err)
		}
		out, err = do(tx, c, held)
		return err
	})
	if err != nil {
		return act.Act{}, fmt.Errorf("%s: %w", kind, err)
	}
	return out, nil
}
