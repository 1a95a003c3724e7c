package release

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// shown is what the columns of a decision say; lists are made from them.
type shown struct {
	sealedRow
	disclosure, sender, recipient, role, purpose, basis, legalBasis, outcome, revision string
	released                                                                           []string
	stage                                                                              decision.Stage
	recorded                                                                           sql.NullString // the digest in the event of a concrete decision
}

// Prove checks every decision of an operator: its columns say what its sealed record says, and the event of a concrete
// one commits to that record. It returns one sentence for each that does not; a record whose key was deleted because it
// has expired is passed over.
func (r *Release) Prove(ctx context.Context, operator authority.OperatorID) (problems []string, err error) {
	rows, err := r.cfg.DB.Read().QueryContext(ctx, `select d.id, d.case_id, d.sealed_record, d.log_key, d.digest, d.disclosure_id, d.sender, d.recipient,
			d.role, d.purpose, d.basis, d.legal_basis, d.outcome, d.policy_revision, d.released, d.stage, e.data
		from decisions d left join events e on e.case_id = d.case_id and e.id = d.id
		where d.operator = $1 order by d.decided_at, d.id`, operator)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "prove decisions", "%w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		s, err := scanShown(rows)
		if err != nil {
			return nil, contracts.Errorf(contracts.Internal, "prove decisions", "%w", err)
		}
		if problem := r.prove(ctx, s); problem != "" {
			problems = append(problems, fmt.Sprintf("decision %s of case %s: %s", s.id, s.caseID, problem))
		}
	}
	return problems, rows.Err()
}

func scanShown(rows *sql.Rows) (shown, error) {
	var s shown
	var released string
	err := rows.Scan(&s.id, &s.caseID, &s.sealed, &s.key, &s.digest, &s.disclosure, &s.sender, &s.recipient, &s.role, &s.purpose, &s.basis,
		&s.legalBasis, &s.outcome, &s.revision, &released, &s.stage, &s.recorded)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(released), &s.released)
}

// prove says what is wrong with one decision; empty when nothing is.
func (r *Release) prove(ctx context.Context, s shown) string {
	rec, err := r.open(ctx, s.sealedRow)
	if contracts.KindOf(err) == contracts.NotFound && err != nil {
		return ""
	}
	if err != nil {
		return "the sealed record cannot be opened or is another one"
	}
	in, doc := rec.Input, rec.Document
	if s.stage == decision.Abstract {
		doc.LegalBasis, doc.Outcome, doc.Release = "", "", nil
	} else if problem := anchored(s); problem != "" {
		return problem
	}
	if s.disclosure != rec.Disclosure || s.sender != string(rec.Sender) || s.recipient != string(rec.Recipient) || s.role != string(in.Recipient.Role) ||
		s.purpose != in.Purpose || s.basis != in.Basis || s.legalBasis != doc.LegalBasis || s.outcome != string(doc.Outcome) ||
		s.revision != doc.Revision.Policy || s.stage != in.Stage || !slices.Equal(s.released, released(doc)) {
		return "the row does not say what the sealed record says"
	}
	return ""
}

// anchored checks that the event of a concrete decision, which the receipt chain covers, commits to the sealed record.
func anchored(s shown) string {
	var e struct {
		Record string `json:"record"`
	}
	if !s.recorded.Valid || json.Unmarshal([]byte(s.recorded.String), &e) != nil {
		return "the ledger holds no event of it"
	}
	if e.Record != s.digest {
		return "the event in the ledger commits to another record"
	}
	return ""
}
