package vault

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// rewrapBatch is how many keys one transaction of the key store rewraps.
const rewrapBatch = 200

// mayCreate refuses a key that was destroyed, and one under a version of the tenant key that a rewrap has left behind:
// so no key is lost when the old version is destroyed. It shares the tenant's row with others who make keys, against
// whoever raises the version or destroys a key; what those did is seen by the statements behind the lock.
func (s *keyStore) mayCreate(ctx context.Context, tx *sqlstore.Tx, tenant authority.TenantID, keys []wrappedKey) error {
	const op = "create key"
	version := uint32(math.MaxUint32)
	for _, k := range keys {
		has, err := s.wrapper.Version(k.wrapped)
		if err != nil {
			return err
		}
		version = min(version, has)
	}
	tx.Ahead(selectVersion+tx.ForShare(), string(tenant))
	for _, k := range keys {
		tx.Ahead(countDestroyed, k.id)
	}
	oldest, err := shareVersion(ctx, tx, tenant, version)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	for _, k := range keys {
		var destroyed int
		if err := tx.QueryRowContext(ctx, countDestroyed, k.id).Scan(&destroyed); err != nil {
			return contracts.Errorf(contracts.Unavailable, op, "%w", err)
		}
		if destroyed > 0 {
			return contracts.Errorf(contracts.Conflict, op, "key %s was destroyed and is not made again", k.id)
		}
	}
	if int64(version) < oldest {
		return contracts.Errorf(contracts.Unavailable, op, "%w", errStale)
	}
	return nil
}

const (
	selectVersion  = `select version from tenant_versions where tenant = $1`
	countDestroyed = `select count(*) from destroyed_keys where id = $1`
)

// shareVersion reads the oldest version of a tenant's key under which keys may be written, and keeps others from raising it.
// The tenant's first key begins with version.
func shareVersion(ctx context.Context, tx *sqlstore.Tx, tenant authority.TenantID, version uint32) (oldest int64, err error) {
	read := func() error {
		return tx.QueryRowContext(ctx, selectVersion+tx.ForShare(), string(tenant)).Scan(&oldest)
	}
	if err = read(); !errors.Is(err, sql.ErrNoRows) {
		return oldest, err
	}
	if _, err := tx.Exec(ctx, `insert into tenant_versions (tenant, version) values ($1, $2) on conflict (tenant) do nothing`,
		string(tenant), int64(version)); err != nil {
		return 0, err
	}
	return oldest, read()
}

// rewrap puts every key of the tenant under the current version of its key, which is version or a later one, and
// returns how many keys the tenant has. From its first transaction on nobody writes a key under an older version.
func (s *keyStore) rewrap(ctx context.Context, tenant authority.TenantID, version uint32) (n int64, err error) {
	err = s.db.Write(ctx, func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(ctx, `insert into tenant_versions (tenant, version) values ($1, $2)
			on conflict (tenant) do update set version = excluded.version where excluded.version > tenant_versions.version`,
			string(tenant), int64(version))
		return err
	})
	if err != nil {
		return 0, contracts.Errorf(contracts.Unavailable, "raise version of tenant key", "%w", err)
	}
	after := ""
	for {
		batch, err := s.batch(ctx, tenant, after)
		if err != nil || len(batch) == 0 {
			return n, err
		}
		whole, err := s.rewrapBatch(ctx, tenant, version, batch)
		if err != nil {
			return n, err
		}
		if !whole {
			continue
		}
		n += int64(len(batch))
		after = batch[len(batch)-1].id
	}
}

// wrappedKey is a row of the key store.
type wrappedKey struct {
	id      string
	wrapped []byte
}

func (s *keyStore) batch(ctx context.Context, tenant authority.TenantID, after string) (out []wrappedKey, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `select id, wrapped from keys where tenant = $1 and id > $2 order by id limit $3`,
		string(tenant), after, rewrapBatch)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "list keys", "%w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var k wrappedKey
		if err := rows.Scan(&k.id, &k.wrapped); err != nil {
			return nil, contracts.Errorf(contracts.Unavailable, "list keys", "%w", err)
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// rewrapBatch is not whole when somebody else changed a key meanwhile, maybe to a version that is too old: then the batch
// is read again.
func (s *keyStore) rewrapBatch(ctx context.Context, tenant authority.TenantID, version uint32, batch []wrappedKey) (whole bool, err error) {
	renewed := make([][]byte, len(batch))
	for i, k := range batch {
		if renewed[i], err = s.renewed(ctx, tenant, version, k); err != nil {
			return false, err
		}
	}
	err = s.db.Write(ctx, func(tx *sqlstore.Tx) error {
		whole = true
		for i, k := range batch {
			if renewed[i] == nil {
				continue
			}
			res, err := tx.Exec(ctx, `update keys set wrapped = $3 where id = $1 and wrapped = $2`, k.id, k.wrapped, renewed[i])
			if err != nil {
				return contracts.Errorf(contracts.Unavailable, "rewrap key", "%w", err)
			}
			n, err := res.RowsAffected()
			if err != nil {
				return contracts.Errorf(contracts.Unavailable, "rewrap key", "%w", err)
			}
			whole = whole && n > 0
		}
		return nil
	})
	return whole, err
}

// renewed wraps a key under the current version; nil when it needs none, or was erased in the meantime.
func (s *keyStore) renewed(ctx context.Context, tenant authority.TenantID, version uint32, k wrappedKey) ([]byte, error) {
	const op = "rewrap key"
	has, err := s.wrapper.Version(k.wrapped)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, op, "key %s: %w", k.id, err)
	}
	if has >= version {
		return nil, nil
	}
	plain, err := s.key(ctx, tenant, k.id)
	if err != nil && contracts.KindOf(err) == contracts.NotFound {
		return nil, nil
	}
	var wrapped []byte
	if err == nil {
		wrapped, err = s.wrapper.Wrap(ctx, tenant, k.id, plain)
	}
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, op, "key %s does not open, so no old version is destroyed: %w", k.id, err)
	}
	return wrapped, nil
}

// destroy deletes keys of a tenant, forbids making them again, and returns how many existed. Another tenant's key is a
// Conflict and nothing is deleted.
func (s *keyStore) destroy(ctx context.Context, tenant authority.TenantID, ids ...string) (n int, err error) {
	err = s.db.Write(ctx, func(tx *sqlstore.Tx) error {
		n = 0
		if err := lockTenant(ctx, tx, tenant); err != nil {
			return err
		}
		for _, id := range ids {
			existed, err := destroyKey(ctx, tx, tenant, id)
			if err != nil {
				return err
			}
			if existed {
				n++
			}
		}
		return nil
	})
	return n, err
}

func destroyKey(ctx context.Context, tx *sqlstore.Tx, tenant authority.TenantID, id string) (existed bool, err error) {
	const op = "destroy key"
	var owner string
	switch err := tx.QueryRowContext(ctx, `select tenant from keys where id = $1`, id).Scan(&owner); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return false, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	default:
		existed = true
		if err := sameTenant(authority.TenantID(owner), tenant, id); err != nil {
			return existed, err
		}
	}
	if _, err := tx.Exec(ctx, `delete from keys where id = $1`, id); err != nil {
		return existed, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	if _, err := tx.Exec(ctx, `insert into destroyed_keys (id, destroyed_at) values ($1, $2) on conflict (id) do nothing`, id, tx.Now()); err != nil {
		return existed, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return existed, nil
}

// lockTenant takes the tenant's row against whoever makes a key. Version 0 forbids nothing.
func lockTenant(ctx context.Context, tx *sqlstore.Tx, tenant authority.TenantID) error {
	const op = "lock tenant"
	if _, err := tx.Exec(ctx, `insert into tenant_versions (tenant, version) values ($1, 0) on conflict (tenant) do nothing`, string(tenant)); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	var version int64
	if err := tx.QueryRowContext(ctx, `select version from tenant_versions where tenant = $1`+tx.ForUpdate(), string(tenant)).Scan(&version); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return nil
}
