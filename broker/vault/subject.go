package vault

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Subject is a person as one tenant knows her: a random id and sealed attributes.
type Subject struct {
	ID       string
	Operator authority.OperatorID
	Tenant   authority.TenantID
	// Sealed holds the attributes under the subject's own key.
	Sealed []byte
}

// LogValue shows the id alone.
func (s Subject) LogValue() slog.Value { return slog.GroupValue(slog.String("subject_id", s.ID)) }

// PrepareSubject creates a subject key and seals the attributes under it, outside any transaction of the ledger.
func (v *Vault) PrepareSubject(ctx context.Context, operator authority.OperatorID, tenant authority.TenantID, attributes map[string]string) (Subject, error) {
	s := Subject{ID: uuid.NewString(), Operator: operator, Tenant: tenant}
	plain, err := json.Marshal(attributes)
	if err != nil {
		return Subject{}, contracts.Errorf(contracts.Internal, "prepare subject", "%w", err)
	}
	if err := v.keys.ensure(ctx, tenant, subjectKeyID(s.ID)); err != nil {
		return Subject{}, err
	}
	key, err := v.keys.key(ctx, tenant, subjectKeyID(s.ID))
	if err != nil {
		return Subject{}, err
	}
	s.Sealed, err = seal(key, plain, subjectData(s.ID))
	return s, err
}

// InsertSubject writes a prepared subject and links it to the case in its role: applicant, representative,
// third_person. It belongs into the transaction that creates the case.
func (v *Vault) InsertSubject(ctx context.Context, tx *sqlstore.Tx, s Subject, caseID, role string) error {
	if _, err := tx.Exec(ctx, `insert into subjects (id, operator, tenant, sealed, created_at) values ($1, $2, $3, $4, $5)
		on conflict (id) do nothing`, s.ID, string(s.Operator), string(s.Tenant), s.Sealed, tx.Now()); err != nil {
		return contracts.Errorf(contracts.Unavailable, "insert subject", "%w", err)
	}
	if _, err := tx.Exec(ctx, `insert into case_subjects (case_id, subject, role) values ($1, $2, $3)
		on conflict (case_id, subject, role) do nothing`, caseID, s.ID, role); err != nil {
		return contracts.Errorf(contracts.Unavailable, "link subject", "%w", err)
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
