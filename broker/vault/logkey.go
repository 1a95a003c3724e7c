package vault

import (
	"context"
	"regexp"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

var classPattern = regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`)

// SealLog seals a record of a log under the key of the tenant, the month of at (UTC) and the retention class, for
// example "P2Y". Records expire by deleting their month's key; erasing a case leaves them readable (DESIGN decision 11).
func (v *Vault) SealLog(ctx context.Context, tenant authority.TenantID, at time.Time, class string, plaintext, aad []byte) (sealed []byte, keyID string, err error) {
	if !classPattern.MatchString(class) {
		return nil, "", contracts.Errorf(contracts.Internal, "seal log", "retention class is malformed")
	}
	keyID = logKeyID(string(tenant), at.UTC().Format("2006-01"), class)
	key, err := v.keys.keyOrNew(ctx, tenant, keyID)
	if err != nil {
		return nil, "", err
	}
	sealed, err = seal(key, plaintext, aad)
	return sealed, keyID, err
}

// OpenLog opens what SealLog sealed; NotFound when the key was deleted because its records have expired.
func (v *Vault) OpenLog(ctx context.Context, keyID string, sealed, aad []byte) ([]byte, error) {
	key, err := v.keys.key(ctx, "", keyID)
	if err != nil {
		return nil, err
	}
	return open(key, sealed, aad)
}
