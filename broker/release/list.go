package release

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// Filter narrows a list of disclosures.
type Filter struct {
	// Case is a case id; empty for all.
	Case string
	// Outcome is one outcome; empty for all.
	Outcome decision.Outcome
	// After is the cursor of the page before; empty for the first.
	After string
	// Limit is the size of a page, 1 to 500.
	Limit int
}

// Disclosures lists the concrete decisions that v may see, oldest first: a portal those of its own cases, an authority
// those of the cases that it leads and what was released to itself, the operator all that it hosts. The second result
// is the cursor of the next page, empty on the last.
func (r *Release) Disclosures(ctx context.Context, v actor.Viewer, f Filter) ([]decision.Disclosure, string, error) {
	if err := r.gate.Collection(ctx, v, decision.DisclosureList); err != nil {
		return nil, "", err
	}
	after, err := parseCursor(f.After)
	if err != nil {
		return nil, "", err
	}
	visible, args := visibleDecisions(v, 6)
	args = append([]any{after.at, after.id, f.Case, f.Outcome, f.Limit + 1}, args...)
	out := []decision.Disclosure{}
	if err := r.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		out, err = listDisclosures(ctx, q, visible, args)
		return err
	}); err != nil {
		return nil, "", err
	}
	if len(out) <= f.Limit {
		return out, "", nil
	}
	out = out[:f.Limit]
	last := out[len(out)-1]
	return out, cursor{at: last.DecidedAt, id: last.Decision}.String(), nil
}

func listDisclosures(ctx context.Context, q sqlstore.Querier, visible string, args []any) ([]decision.Disclosure, error) {
	const op = "list disclosures"
	rows, err := q.QueryContext(ctx, `select d.id, d.disclosure_id, d.case_id, d.service, d.sender, d.recipient,
			coalesce(a.name, ''), d.role, d.released, d.purpose, d.legal_basis, d.basis, d.decided_at, d.policy_revision,
			d.outcome, d.reasons, coalesce(s.fetches, 0)
		from decisions d join cases c on c.id = d.case_id
		left join authorities a on a.id = d.recipient
		left join disclosures s on s.id = d.disclosure_id
		where d.stage = 'concrete' and (d.decided_at, d.id) > ($1, $2) and ($3 = '' or d.case_id = $3) and ($4 = '' or d.outcome = $4)
			and `+visible+` order by d.decided_at, d.id limit $5`, args...)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	defer rows.Close()
	out := []decision.Disclosure{}
	for rows.Next() {
		d, err := scanDisclosure(rows)
		if err != nil {
			return nil, contracts.Errorf(contracts.Internal, op, "%w", err)
		}
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return out, nil
}

// visibleDecisions is a condition on decisions (alias d) and their cases (alias c), and its arguments, numbered from
// first. A body sees no refusal that concerns itself: it would learn that what it asked for exists.
func visibleDecisions(v actor.Viewer, first int) (condition string, args []any) {
	if v.Authority == "" {
		return standing.VisibleCases(v, first)
	}
	return fmt.Sprintf(`c.operator = $%d and (c.lead = $%d or (d.recipient = $%d and d.outcome <> 'refuse'))`, first, first+1, first+1),
		[]any{v.Operator, v.Authority}
}

func scanDisclosure(rows *sql.Rows) (decision.Disclosure, error) {
	var d decision.Disclosure
	var fields, codes string
	err := rows.Scan(&d.Decision, &d.ID, &d.Case, &d.Service, &d.Sender, &d.Recipient, &d.RecipientName, &d.Role, &fields,
		&d.Purpose, &d.LegalBasis, &d.Basis, &d.DecidedAt, &d.PolicyRevision, &d.Outcome, &codes, &d.Fetches)
	if err != nil {
		return d, err
	}
	d.DecidedAt = d.DecidedAt.UTC()
	if err := json.Unmarshal([]byte(fields), &d.Fields); err != nil {
		return d, err
	}
	return d, json.Unmarshal([]byte(codes), &d.Reasons)
}
