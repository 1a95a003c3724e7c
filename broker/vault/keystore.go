package vault

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

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

// attempts bounds how often a key is wrapped or read anew because its tenant's key was rotated in between.
const attempts = 5

// errStale is a key that was wrapped under a version of the tenant key that is about to be destroyed.
var errStale = errors.New("the version of the tenant key is older than the key store allows; were tenant keys lost or copied back?")

// ensure creates the keys that are missing, in one transaction. A key of that id under another tenant, and one that was
// destroyed, is a Conflict.
func (s *keyStore) ensure(ctx context.Context, tenant authority.TenantID, ids ...string) error {
	missing := map[string][]byte{}
	for _, id := range ids {
		owner, _, err := s.row(ctx, id)
		if err != nil && contracts.KindOf(err) == contracts.NotFound {
			missing[id] = newKey()
			continue
		}
		if err == nil {
			err = sameTenant(owner, tenant, id)
		}
		if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var err error
	for range attempts {
		if err = s.create(ctx, tenant, missing); !errors.Is(err, errStale) {
			return err
		}
	}
	return err
}

// create wraps the keys and writes them; plain holds them by id.
func (s *keyStore) create(ctx context.Context, tenant authority.TenantID, plain map[string][]byte) error {
	wrapped := make([]wrappedKey, 0, len(plain))
	for _, id := range slices.Sorted(maps.Keys(plain)) { // one order for all who write, so that nobody waits for the other
		w, err := s.wrapper.Wrap(ctx, tenant, id, plain[id])
		if err != nil {
			return err
		}
		wrapped = append(wrapped, wrappedKey{id, w})
	}
	return s.db.Write(ctx, func(tx *sqlstore.Tx) error {
		for _, k := range wrapped {
			if err := s.insert(ctx, tx, tenant, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *keyStore) insert(ctx context.Context, tx *sqlstore.Tx, tenant authority.TenantID, k wrappedKey) error {
	version, err := s.wrapper.Version(k.wrapped)
	if err != nil {
		return err
	}
	if err := s.mayCreate(ctx, tx, tenant, k.id, version); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `insert into keys (id, tenant, wrapped, created_at) values ($1, $2, $3, $4) on conflict (id) do nothing`,
		k.id, string(tenant), k.wrapped, tx.Now()); err != nil {
		return contracts.Errorf(contracts.Unavailable, "create key", "%w", err)
	}
	var owner string
	if err := tx.QueryRowContext(ctx, `select tenant from keys where id = $1`, k.id).Scan(&owner); err != nil {
		return contracts.Errorf(contracts.Unavailable, "create key", "%w", err)
	}
	return sameTenant(authority.TenantID(owner), tenant, k.id)
}

// key unwraps the key of that id; NotFound when it does not exist (any more). An empty tenant takes the row's.
func (s *keyStore) key(ctx context.Context, tenant authority.TenantID, id string) ([]byte, error) {
	var before []byte
	for {
		owner, wrapped, err := s.row(ctx, id)
		if err != nil {
			return nil, err
		}
		if tenant != "" {
			if err := sameTenant(owner, tenant, id); err != nil {
				return nil, err
			}
		}
		plain, err := s.wrapper.Unwrap(ctx, owner, id, wrapped)
		if err == nil || bytes.Equal(wrapped, before) {
			return plain, err
		}
		before = wrapped // it may have been rewrapped, and its old version destroyed, since it was read
	}
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
