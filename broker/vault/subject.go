package vault

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// subject is a person as one tenant knows her: a random id, her role in a case and attributes sealed under a key of her own.
type subject struct {
	id       string
	operator authority.OperatorID
	tenant   authority.TenantID
	role     string
	sealed   []byte
}

// seal seals the attributes of a subject under its key.
func (s subject) seal(key []byte, attributes map[string]string) ([]byte, error) {
	plain, err := json.Marshal(attributes)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "seal subject", "%w", err)
	}
	return seal(key, plain, subjectData(s.id))
}

func (s subject) insert(ctx context.Context, tx *sqlstore.Tx, caseID string) error {
	if err := tx.Put(ctx, `insert into subjects (id, operator, tenant, sealed, created_at) values ($1, $2, $3, $4, $5)`,
		s.id, string(s.operator), string(s.tenant), s.sealed, tx.Now()); err != nil {
		return fmt.Errorf("insert subject: %w", err)
	}
	if err := tx.Put(ctx, `insert into case_subjects (case_id, subject, role) values ($1, $2, $3)`, caseID, s.id, s.role); err != nil {
		return fmt.Errorf("link subject: %w", err)
	}
	return nil
}

// OpenSubject opens the attributes of a subject; NotFound when it does not exist. The caller has decided before that
// they may be seen.
func (v *Vault) OpenSubject(ctx context.Context, id string) (map[string]string, error) {
	var tenant string
	var sealed []byte
	err := v.ledger.Read().QueryRowContext(ctx, `select tenant, sealed from subjects where id = $1`, id).Scan(&tenant, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &contracts.Error{Kind: contracts.NotFound, Op: "open subject", Subject: id}
	}
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "open subject", "%w", err)
	}
	key, err := v.keys.key(ctx, authority.TenantID(tenant), subjectKeyID(id))
	if err != nil {
		return nil, err
	}
	plain, err := open(key, sealed, subjectData(id))
	if err != nil {
		return nil, err
	}
	var attributes map[string]string
	if err := json.Unmarshal(plain, &attributes); err != nil {
		return nil, contracts.Errorf(contracts.Internal, "open subject", "attributes of subject %s are malformed", id)
	}
	return attributes, nil
}

func subjectData(id string) []byte { return []byte("efa-subject/1|" + id) }
