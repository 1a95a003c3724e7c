package client

import (
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
)

// assertionLife is how long an assertion may be presented. RFC 7523 wants it short; each one is used once.
const assertionLife = 90 * time.Second

// assertion signs a client assertion (RFC 7523 § 3): issuer and subject are the client, the audience is the token
// endpoint, and a random jti lets the provider refuse a replay.
func (c Credentials) assertion(tokenEndpoint string, now time.Time) (string, error) {
	const op = "sign client assertion"
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: c.Key},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", contracts.Errorf(contracts.Invalid, op, "%w", err)
	}
	signed, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer:   c.ClientID,
		Subject:  c.ClientID,
		Audience: jwt.Audience{tokenEndpoint},
		Expiry:   jwt.NewNumericDate(now.Add(assertionLife)),
		IssuedAt: jwt.NewNumericDate(now),
		ID:       uuid.NewString(),
	}).Serialize()
	if err != nil {
		return "", contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	return signed, nil
}
