package vault

import (
	"context"
	"database/sql"
	"errors"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// keyStore holds wrapped keys by id. It keeps no key in memory: a deleted one is gone at once.
type keyStore struct {
	db      *sqlstore.DB
	wrapper KeyWrapper
}

func caseKeyID(caseID string) string         { return "case/" + caseID }
func subjectKeyID(subject string) string     { return "subject/" + subject }
func indexKeyID(operator string) string      { return "index/" + operator }
func logKeyID(t, month, class string) string { return "log/" + t + "/" + month + "/" + class }

// ensure creates the key when it is missing. A key of that id under another tenant is a conflict.
func (s *keyStore) ensure(ctx context.Context, tenant authority.TenantID, id string) error {
	owner, _, err := s.row(ctx, id)
	switch {
	case contracts.KindOf(err) == contracts.NotFound:
	case err != nil:
		return err
	default:
		return sameTenant(owner, tenant, id)
	}
	wrapped, err := s.wrapper.Wrap(ctx, tenant, id, newKey())
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlstore.Tx) error {
		if _, err := tx.Exec(ctx, `insert into keys (id, tenant, wrapped, created_at) values ($1, $2, $3, $4) on conflict (id) do nothing`,
			id, string(tenant), wrapped, tx.Now()); err != nil {
			return contracts.Errorf(contracts.Unavailable, "create key", "%w", err)
		}
		var owner string
		if err := tx.QueryRowContext(ctx, `select tenant from keys where id = $1`, id).Scan(&owner); err != nil {
			return contracts.Errorf(contracts.Unavailable, "create key", "%w", err)
		}
		return sameTenant(authority.TenantID(owner), tenant, id)
	})
}

// key unwraps the key of that id; NotFound when it does not exist (any more). An empty tenant takes the row's.
func (s *keyStore) key(ctx context.Context, tenant authority.TenantID, id string) ([]byte, error) {
	owner, wrapped, err := s.row(ctx, id)
	if err != nil {
		return nil, err
	}
	if tenant != "" {
		if err := sameTenant(owner, tenant, id); err != nil {
			return nil, err
		}
	}
	return s.wrapper.Unwrap(ctx, owner, id, wrapped)
}

func (s *keyStore) row(ctx context.Context, id string) (authority.TenantID, []byte, error) {
	var owner string
	var wrapped []byte
	err := s.db.Read().QueryRowContext(ctx, `select tenant, wrapped from keys where id = $1`, id).Scan(&owner, &wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, &contracts.Error{Kind: contracts.NotFound, Op: "read key", Subject: id}
	}
	if err != nil {
		return "", nil, contracts.Errorf(contracts.Unavailable, "read key", "%w", err)
	}
	return authority.TenantID(owner), wrapped, nil
}

func sameTenant(owner, tenant authority.TenantID, id string) error {
	if owner != tenant {
		return contracts.Errorf(contracts.Conflict, "read key", "key %s belongs to another tenant", id)
	}
	return nil
}
