package vault

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts/authority"
)

// KeyWrapper wraps keys under a tenant's own key, which it never hands out. FileKeys holds tenant keys in files; a key
// management system fits behind the same two methods.
type KeyWrapper interface {
	// Wrap encrypts plain under the current version of the tenant's key, which it creates at first use, and binds the
	// result to keyID. The result names the version.
	Wrap(ctx context.Context, tenant authority.TenantID, keyID string, plain []byte) ([]byte, error)
	// Unwrap is the reverse of Wrap. It fails when the tenant, the keyID or the bytes are other than those of Wrap, or
	// when that version of the tenant's key was destroyed.
	Unwrap(ctx context.Context, tenant authority.TenantID, keyID string, wrapped []byte) ([]byte, error)
}
