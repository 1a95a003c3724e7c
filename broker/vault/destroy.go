package vault

import (
	"context"
	"os"
	"path/filepath"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// KeyFile is the name of the key store's database in its directory, and of its backup.
const KeyFile = "keys.db"

// TenantKeys is the directory of the tenant keys in that of the key store. Nothing in it may be in a backup.
func TenantKeys(dir string) string { return filepath.Join(dir, "tenants") }

// DestroyKeys deletes the key of a case and those of the subjects from the key store and says how many existed. It is
// one step of an erasure: until Rotate, BackUpKeys and Retire are done, an older copy of the key store still opens them.
func (v *Vault) DestroyKeys(ctx context.Context, tenant authority.TenantID, caseID string, subjects []string) (int, error) {
	ids := []string{caseKeyID(caseID)}
	for _, s := range subjects {
		ids = append(ids, subjectKeyID(s))
	}
	return v.keys.destroy(ctx, tenant, ids...)
}

// Rotate makes a new version of the tenant's key, puts every key of the tenant under it and returns it with the number
// of keys.
func (v *Vault) Rotate(ctx context.Context, tenant authority.TenantID) (version uint32, keys int64, err error) {
	if version, err = v.keys.wrapper.Rotate(ctx, tenant); err != nil {
		return 0, 0, err
	}
	keys, err = v.keys.rewrap(ctx, tenant, version)
	return version, keys, err
}

// BackUpKeys replaces the backup of the key store by one of now, a SQLite file whatever the key store is. Older ones are of no use once Retire is done.
func (v *Vault) BackUpKeys(ctx context.Context) error {
	if err := os.MkdirAll(v.backup, 0o700); err != nil {
		return contracts.Errorf(contracts.Unavailable, "back up key store", "%w", err)
	}
	return v.copyKeys(ctx, filepath.Join(v.backup, KeyFile))
}

// Retire destroys the versions of the tenant's key below the given one. With them goes everything that only they open:
// older copies of the key store, and so the keys that were destroyed.
func (v *Vault) Retire(ctx context.Context, tenant authority.TenantID, below uint32) error {
	return v.keys.wrapper.Destroy(ctx, tenant, below)
}
