package release

import (
	"context"
	"database/sql"
	"errors"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// record opens the decision id for v, if v may do action with it. What v must not know is NotFound.
func (r *Release) record(ctx context.Context, v actor.Viewer, id string, action decision.Action) (decision.Record, error) {
	var row sealedRow
	if err := r.cfg.DB.View(ctx, v, func(q sqlstore.Querier) (err error) {
		row, err = r.find(ctx, q, v, id, action)
		return err
	}); err != nil {
		return decision.Record{}, err
	}
	return r.open(ctx, row)
}

func (r *Release) find(ctx context.Context, q sqlstore.Querier, v actor.Viewer, id string, action decision.Action) (sealedRow, error) {
	const op = "look up decision"
	row := sealedRow{id: id}
	var recipient authority.ID
	var outcome decision.Outcome
	err := q.QueryRowContext(ctx, `select case_id, recipient, outcome, sealed_record, log_key, digest from decisions where id = $1`, id).
		Scan(&row.caseID, &recipient, &outcome, &row.sealed, &row.key, &row.digest)
	if errors.Is(err, sql.ErrNoRows) {
		return sealedRow{}, &contracts.Error{Kind: contracts.NotFound, Op: op}
	}
	if err != nil {
		return sealedRow{}, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	relation, err := standing.ToCase(ctx, q, v, row.caseID)
	if err != nil {
		return sealedRow{}, err
	}
	if relation == decision.Participant && outcome == "" { // an abstract decision: its answer is in the sealed record
		rec, err := r.open(ctx, row)
		if err != nil {
			return sealedRow{}, err
		}
		outcome = rec.Document.Outcome
	}
	if err := r.gate.Relation(ctx, v, action, narrow(relation, v, recipient, outcome)); err != nil {
		return sealedRow{}, err
	}
	return row, nil
}

// narrow turns the relation to a case into the relation to one decision: a participant holds what was allowed to
// itself and is a stranger to everything else.
func narrow(rel decision.Relation, v actor.Viewer, recipient authority.ID, outcome decision.Outcome) decision.Relation {
	if rel != decision.Participant {
		return rel
	}
	if recipient == v.Authority && outcome != decision.Refuse {
		return decision.Holder
	}
	return decision.Other
}
