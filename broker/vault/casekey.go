package vault

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts/authority"
)

// CreateCaseKey creates the key of a case under the tenant's key. A repeat changes nothing; another tenant's case is a
// Conflict.
func (v *Vault) CreateCaseKey(ctx context.Context, tenant authority.TenantID, caseID string) error {
	return v.keys.ensure(ctx, tenant, caseKeyID(caseID))
}

// MAC authenticates data under a key derived from the case key, so that a form can be recognised without a digest that
// gives it away. The case key must exist; another tenant's case is a Conflict.
func (v *Vault) MAC(ctx context.Context, tenant authority.TenantID, caseID string, data []byte) ([]byte, error) {
	key, err := v.keys.key(ctx, tenant, caseKeyID(caseID))
	if err != nil {
		return nil, err
	}
	return mac(key, data)
}
