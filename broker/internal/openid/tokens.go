package openid

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// TokenLifetime is how long an access token counts.
const TokenLifetime = 10 * time.Minute

// accessClaims are all claims of an access token: who, for whom, until when. Authority, tenant and role are not among
// them, because the broker takes those from its own row only.
type accessClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	ClientID string `json:"client_id"`
	Kind     string `json:"kind"`
	ACR      string `json:"acr,omitempty"`
	Scope    string `json:"scope,omitempty"`
	ID       string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Expiry   int64  `json:"exp"`
}

// idClaims are the claims of an id token, for the relying party alone.
type idClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Nonce    string `json:"nonce,omitempty"`
	Name     string `json:"name,omitempty"`
	ACR      string `json:"acr"`
	AuthTime int64  `json:"auth_time"`
	IssuedAt int64  `json:"iat"`
	Expiry   int64  `json:"exp"`
}

// signer signs both kinds of token with the same key; the header typ keeps them apart (RFC 9068).
type signer struct {
	access, id jose.Signer
}

func newSigner(key jose.JSONWebKey) (signer, error) {
	with := func(typ jose.ContentType) (jose.Signer, error) {
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType(typ))
		if err != nil {
			return nil, fmt.Errorf("make signer: %w", err)
		}
		return s, nil
	}
	access, err := with("at+jwt")
	if err != nil {
		return signer{}, err
	}
	id, err := with("JWT")
	return signer{access, id}, err
}

func sign(s jose.Signer, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("write claims: %w", err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("write token: %w", err)
	}
	return compact, nil
}
