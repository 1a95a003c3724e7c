package identity_test

import (
	"context"
	"crypto"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/contracts"
)

func TestAVerifiedTokenIsRememberedUntilItExpires(t *testing.T) {
	t.Parallel()
	f := setup(t)
	now := time.Now()
	asked := 0
	d, err := identity.New(t.Context(), identity.Config{
		DB: f.db, Issuer: issuer, Audience: "broker-api", Now: func() time.Time { return now },
		Keys: keySet(func(jwt string) ([]byte, error) {
			asked++
			return (&oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{&f.key.private.PublicKey}}).VerifySignature(t.Context(), jwt)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	first, second := f.key.sign(t, claims(nil)), f.key.sign(t, claims(map[string]any{"sub": "worker-muenchen", "kind": "person"}))
	for _, token := range []string{first, second, first, second} {
		if _, err := d.Authenticate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 2 {
		t.Errorf("%d signatures checked for two tokens", asked)
	}
	if v, err := d.Authenticate(t.Context(), second); err != nil || v.ID != "worker-muenchen" {
		t.Errorf("viewer %+v, %v", v, err)
	}
	if err := d.Revoke(t.Context(), "worker-muenchen"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Authenticate(t.Context(), second); contracts.KindOf(err) != contracts.Unauthenticated {
		t.Errorf("a revoked principal with a token that was verified before: %v", err)
	}
	now = now.Add(2 * time.Minute)
	if _, err := d.Authenticate(t.Context(), first); contracts.KindOf(err) != contracts.Unauthenticated {
		t.Errorf("an expired token that was verified before: %v", err)
	}
}

type keySet func(jwt string) ([]byte, error)

func (k keySet) VerifySignature(_ context.Context, jwt string) ([]byte, error) { return k(jwt) }
