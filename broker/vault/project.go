package vault

import (
	"context"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Project is the vault's projector: it commits the contents to which an event refers, and the sensitive facts of a case
// that was submitted. A content that is missing, of another case or operator, or not what the event says is a Conflict.
func (v *Vault) Project(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error {
	refs, err := references(r)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := commit(ctx, tx, r, ref); err != nil {
			return err
		}
	}
	if r.Type != event.TypeCaseSubmitted {
		return nil
	}
	if err := tx.Put(ctx, `update contents set state = $1 where id = $2 and case_id = $3 and operator = $4`,
		committed, string(factsID(r.Case)), r.Case, string(r.Operator)); err != nil {
		return contracts.Errorf(contracts.Unavailable, "commit facts", "%w", err)
	}
	return nil
}

// references are the contents that an event commits; only these two types bring content with them.
func references(r event.Recorded) ([]content.Ref, error) {
	const op = "read contents of event"
	switch r.Type {
	case event.TypeCaseSubmitted:
		data, err := event.Decode[event.CaseSubmitted](r)
		if err != nil {
			return nil, contracts.Errorf(contracts.Internal, op, "%w", err)
		}
		return data.Contents, nil
	case event.TypeTaskCompleted:
		data, err := event.Decode[event.TaskCompleted](r)
		if err != nil {
			return nil, contracts.Errorf(contracts.Internal, op, "%w", err)
		}
		return data.Contents, nil
	}
	return nil, nil
}

func commit(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, ref content.Ref) error {
	res, err := tx.Exec(ctx, `update contents set state = $1
		where id = $2 and case_id = $3 and operator = $4 and kind = $5 and kind <> $6 and form = $7 and ($8 = '' or digest = $8)`,
		committed, string(ref.Content), r.Case, string(r.Operator), string(ref.Kind), string(content.Facts), ref.Form, ref.Digest)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "commit content", "%w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "commit content", "%w", err)
	}
	if n != 1 {
		return contracts.Errorf(contracts.Conflict, "commit content", "content %s is not stored for case %s as the event says", ref.Content, r.Case)
	}
	return nil
}
