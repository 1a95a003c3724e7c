package vault

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts/authority"
)

// KeyWrapper wraps keys under a tenant's own key, which it never hands out. FileKeys holds tenant keys in files; a key
// management system fits behind the same methods.
type KeyWrapper interface {
	// Wrap encrypts plain under the current version of the tenant's key, which it creates at first use, and binds the
	// result to keyID. The result names the version.
	Wrap(ctx context.Context, tenant authority.TenantID, keyID string, plain []byte) ([]byte, error)
	// Unwrap is the reverse of Wrap. It fails when the tenant, the keyID or the bytes are other than those of Wrap, or
	// when that version of the tenant's key was destroyed.
	Unwrap(ctx context.Context, tenant authority.TenantID, keyID string, wrapped []byte) ([]byte, error)
	// Version is the version of the tenant's key under which Wrap put a key.
	Version(wrapped []byte) (uint32, error)
	// Rotate creates a version behind the highest one and returns it. Nobody else gets the same version, also when
	// several processes rotate at once.
	Rotate(ctx context.Context, tenant authority.TenantID) (uint32, error)
	// Destroy destroys every version below the given one for good. A repeat changes nothing.
	Destroy(ctx context.Context, tenant authority.TenantID, below uint32) error
}
