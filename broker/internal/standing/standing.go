package standing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// Access answers whether a role may do something.
type Access interface {
	Allow(ctx context.Context, in decision.AccessInput) (bool, error)
}

// Gate asks the access policy.
type Gate struct{ Access Access }

// Collection checks that v may open a list or register, or call an action that stands on no case.
func (g Gate) Collection(ctx context.Context, v actor.Viewer, action decision.Action) error {
	ok, err := g.Access.Allow(ctx, decision.AccessInput{Role: v.Role, Action: action, Relation: decision.Collection})
	if err != nil {
		return err
	}
	if !ok {
		return contracts.Errorf(contracts.Denied, "check access", "role %s may not %s", v.Role, action)
	}
	return nil
}

// Case checks that v may do action with a case, and returns how v stands to it.
func (g Gate) Case(ctx context.Context, q sqlstore.Querier, v actor.Viewer, caseID string, action decision.Action) (decision.Relation, error) {
	rel, err := ToCase(ctx, q, v, caseID)
	if err != nil {
		return "", err
	}
	return rel, g.Relation(ctx, v, action, rel)
}

// Relation checks that v, standing in rel to something, may do action with it. Not allowed is NotFound.
func (g Gate) Relation(ctx context.Context, v actor.Viewer, action decision.Action, rel decision.Relation) error {
	ok, err := g.Access.Allow(ctx, decision.AccessInput{Role: v.Role, Action: action, Relation: rel})
	if err != nil {
		return err
	}
	if !ok {
		return absent()
	}
	return nil
}

// absent is the one answer for what does not exist and for what the viewer must not know to exist.
func absent() error {
	return contracts.Errorf(contracts.NotFound, "look up", "no such object for this viewer")
}

// ToCase says how v stands to a case. A case that does not exist is NotFound.
func ToCase(ctx context.Context, q sqlstore.Querier, v actor.Viewer, caseID string) (decision.Relation, error) {
	var operator authority.OperatorID
	var lead authority.ID
	var submitter string
	err := q.QueryRowContext(ctx, `select operator, lead, submitter from cases where id = $1`, caseID).Scan(&operator, &lead, &submitter)
	if errors.Is(err, sql.ErrNoRows) {
		return "", absent()
	}
	if err != nil {
		return "", fmt.Errorf("read case: %w", err)
	}
	if operator != v.Operator {
		return decision.Foreign, nil
	}
	switch v.Role {
	case actor.OperatorAdmin:
		return decision.Hosted, nil
	case actor.Portal:
		return portalRelation(ctx, q, v, caseID, submitter)
	case actor.System, actor.CaseWorker:
		if lead == v.Authority {
			return decision.LeadOf, nil
		}
		return participantRelation(ctx, q, v, caseID)
	case actor.Engine:
	}
	return decision.Other, nil
}

// portalRelation finds the portal's own cases and those that they opened, directly or through another.
func portalRelation(ctx context.Context, q sqlstore.Querier, v actor.Viewer, caseID, submitter string) (decision.Relation, error) {
	if submitter == v.ID {
		return decision.Own, nil
	}
	var found int
	err := q.QueryRowContext(ctx, `with recursive origin (id) as (
			select linked from case_links where case_id = $1 and relation = 'opened_by'
			union
			select l.linked from case_links l join origin o on l.case_id = o.id where l.relation = 'opened_by')
		select count(*) from origin o join cases c on c.id = o.id where c.submitter = $2 and c.operator = $3`,
		caseID, v.ID, v.Operator).Scan(&found)
	if err != nil {
		return "", fmt.Errorf("follow case links: %w", err)
	}
	if found > 0 {
		return decision.Own, nil
	}
	return decision.Other, nil
}

func participantRelation(ctx context.Context, q sqlstore.Querier, v actor.Viewer, caseID string) (decision.Relation, error) {
	var found int
	err := q.QueryRowContext(ctx, `select count(*) from case_participation where case_id = $1 and authority = $2 and ends is null`,
		caseID, v.Authority).Scan(&found)
	if err != nil {
		return "", fmt.Errorf("read participation: %w", err)
	}
	if found > 0 {
		return decision.Participant, nil
	}
	return decision.Other, nil
}
