package vault

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts/authority"
)

// MAC authenticates data under a key derived from the case key, so that a form can be recognised without a digest that
// gives it away. The case key must exist; another tenant's case is a Conflict.
func (v *Vault) MAC(ctx context.Context, tenant authority.TenantID, caseID string, data []byte) ([]byte, error) {
	key, err := v.keys.key(ctx, tenant, caseKeyID(caseID))
	if err != nil {
		return nil, err
	}
	return mac(key, data)
}

// Index authenticates an identifier that somebody outside chose, under a key of the operator, so that it can be looked up
// again although it is stored nowhere: it may name a person.
func (v *Vault) Index(ctx context.Context, operator authority.OperatorID, identifier string) ([]byte, error) {
	key, err := v.keys.keyOrNew(ctx, authority.TenantID(operator), indexKeyID(string(operator)))
	if err != nil {
		return nil, err
	}
	return mac(key, []byte(identifier))
}
