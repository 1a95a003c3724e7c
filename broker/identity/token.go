package identity

import (
	"context"
	"errors"
	"net"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
)

// claims are all that is read of a token besides what verifies it.
type claims struct {
	Subject  string `json:"sub"`
	ClientID string `json:"client_id"`
	Kind     Kind   `json:"kind"`
	ACR      string `json:"acr"`
}

// named is whom a verified token names.
type named struct {
	id        string
	kind      Kind
	assurance actor.AssuranceLevel
}

// verify checks signature, algorithm, issuer, audience and expiry, and remembers what holds.
func (d *Directory) verify(ctx context.Context, bearer string) (named, error) {
	keys := &watchedKeys{KeySet: d.keys}
	token, err := oidc.NewVerifier(d.issuer, keys, &d.verifier).Verify(ctx, bearer)
	if err != nil {
		if keys.unreachable() {
			return named{}, contracts.Errorf(contracts.Unavailable, "verify token", "keys of the OpenID provider: %w", keys.err)
		}
		return named{}, contracts.Errorf(contracts.Unauthenticated, "verify token", "%s", reason(err, keys))
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return named{}, contracts.Errorf(contracts.Unauthenticated, "verify token", "claims cannot be read")
	}
	n, err := c.named()
	if err == nil {
		d.verified.keep(bearer, n, token.Expiry)
	}
	return n, err
}

// named finds client or person. A provider without the claim "kind" issues tokens for machines whose subject is the
// client itself.
func (c claims) named() (named, error) {
	if c.Kind == "" {
		c.Kind = Person
		if c.ClientID == c.Subject {
			c.Kind = Machine
		}
	}
	switch {
	case c.Kind == Machine && c.ClientID != "":
		return named{c.ClientID, Machine, actor.Substantial}, nil
	case c.Kind == Person && c.Subject != "":
		return named{c.Subject, Person, assurance(c.ACR)}, nil
	}
	return named{}, contracts.Errorf(contracts.Unauthenticated, "verify token", "the token names neither client nor person")
}

// assurance reads the trust level of a person's login; without one, or with one that nobody knows, it is the lowest.
func assurance(acr string) actor.AssuranceLevel {
	switch level := actor.AssuranceLevel(acr); level {
	case actor.Basic, actor.Substantial, actor.High:
		return level
	default:
		return actor.Basic
	}
}

// reason says why a token does not count, in fixed words: the verifier's own texts repeat claims.
func reason(err error, keys *watchedKeys) string {
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return "the token has expired"
	case !keys.asked:
		return "the token is malformed or its algorithm is not accepted"
	case keys.err != nil:
		return "the signature does not hold"
	default:
		return "issuer, audience or time do not fit"
	}
}

// watchedKeys remembers how the key set answered one verification, because the verifier keeps only the text.
type watchedKeys struct {
	KeySet
	asked bool
	err   error
}

// VerifySignature asks the key set.
func (w *watchedKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	w.asked = true
	payload, err := w.KeySet.VerifySignature(ctx, jwt)
	w.err = err
	return payload, err //nolint:wrapcheck // handed on as it is
}

// unreachable reports whether the keys could not be fetched, as opposed to not fitting.
func (w *watchedKeys) unreachable() bool {
	var u *url.Error
	var n net.Error
	return errors.As(w.err, &u) || errors.As(w.err, &n) || errors.Is(w.err, context.DeadlineExceeded) || errors.Is(w.err, context.Canceled)
}
