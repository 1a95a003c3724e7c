package vault

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// keyOrNew is the key of that id, which is created when it is missing. A key of that id under another tenant, and one that
// was destroyed, is a Conflict.
func (s *keyStore) keyOrNew(ctx context.Context, tenant authority.TenantID, id string) ([]byte, error) {
	plain, err := s.key(ctx, tenant, id)
	if err == nil || contracts.KindOf(err) != contracts.NotFound {
		return plain, err
	}
	made, err := s.create(ctx, tenant, id)
	return made[id], err
}

// create makes the keys that are missing, in one transaction, and returns all of them by id. A key of that id under another
// tenant, and one that was destroyed, is a Conflict.
func (s *keyStore) create(ctx context.Context, tenant authority.TenantID, ids ...string) (keys map[string][]byte, err error) {
	for range attempts {
		if keys, err = s.tryCreate(ctx, tenant, ids); !errors.Is(err, errStale) {
			return keys, err
		}
	}
	return nil, err
}

func (s *keyStore) tryCreate(ctx context.Context, tenant authority.TenantID, ids []string) (map[string][]byte, error) {
	keys := map[string][]byte{}
	var wrapped []wrappedKey
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) { // one order for all who write, so that nobody waits for the other
		keys[id] = newKey()
		w, err := s.wrapper.Wrap(ctx, tenant, id, keys[id])
		if err != nil {
			return nil, err
		}
		wrapped = append(wrapped, wrappedKey{id, w})
	}
	var exist []string
	err := s.db.Write(ctx, func(tx *sqlstore.Tx) (err error) {
		if err := s.mayCreate(ctx, tx, tenant, wrapped); err != nil {
			return err
		}
		exist, err = insertKeys(ctx, tx, tenant, wrapped)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, id := range exist {
		if keys[id], err = s.key(ctx, tenant, id); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// insertKeys writes keys, but for those that exist, whose ids it returns.
func insertKeys(ctx context.Context, tx *sqlstore.Tx, tenant authority.TenantID, keys []wrappedKey) (exist []string, err error) {
	const op = "create key"
	made, err := insertMissing(ctx, tx, tenant, keys)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	for _, k := range keys {
		if slices.Contains(made, k.id) {
			continue
		}
		var owner string
		if err := tx.QueryRowContext(ctx, `select tenant from keys where id = $1`, k.id).Scan(&owner); err != nil {
			return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
		}
		if err := sameTenant(authority.TenantID(owner), tenant, k.id); err != nil {
			return nil, err
		}
		exist = append(exist, k.id)
	}
	return exist, nil
}

// insertMissing writes the keys that are missing in one statement and returns their ids.
func insertMissing(ctx context.Context, tx *sqlstore.Tx, tenant authority.TenantID, keys []wrappedKey) (made []string, err error) {
	args := []any{string(tenant), tx.Now()}
	var values []string
	for _, k := range keys {
		args = append(args, k.id, k.wrapped)
		values = append(values, fmt.Sprintf("($%d, $1, $%d, $2)", len(args)-1, len(args)))
	}
	return sqlstore.Texts[string](ctx, tx, `insert into keys (id, tenant, wrapped, created_at) values `+strings.Join(values, ", ")+`
		on conflict (id) do nothing returning id`, args...)
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
