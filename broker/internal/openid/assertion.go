package openid

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// assertionType is the only client authentication besides none (RFC 7523).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Bounds of an assertion.
const (
	// maxAssertionLife is how far ahead exp may lie.
	maxAssertionLife = 5 * time.Minute
	// clockSkew is how far the client's clock may run ahead.
	clockSkew = 30 * time.Second
	maxJTI    = 256
)

// clientOf authenticates the client of a token request: by assertion when it has a key, by its id when it is public.
func (p *Provider) clientOf(r *http.Request, form map[string]string) (Client, *protocolError) {
	if r.Header.Get("Authorization") != "" {
		return Client{}, badClient("client secrets are not accepted; use private_key_jwt")
	}
	if form["client_assertion"] == "" && form["client_assertion_type"] == "" {
		c, known := p.clients[form["client_id"]]
		if !known || !c.public() {
			return Client{}, badClient("client assertion is missing")
		}
		return c, nil
	}
	if form["client_assertion_type"] != assertionType {
		return Client{}, badClient("client_assertion_type is not jwt-bearer")
	}
	return p.verifyAssertion(form["client_assertion"], form["client_id"])
}

// verifyAssertion accepts an assertion once. The key, and with it the algorithm, comes from the registration of the
// client that the assertion claims to be from.
func (p *Provider) verifyAssertion(raw, clientID string) (Client, *protocolError) {
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256, jose.PS256})
	if err != nil {
		return Client{}, badClient("the assertion cannot be read, or is not ES256 or PS256")
	}
	var unverified jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&unverified); err != nil {
		return Client{}, badClient("the assertion cannot be read")
	}
	client, known := p.clients[unverified.Issuer]
	if !known || client.public() {
		return Client{}, badClient("the client is not known or has no key")
	}
	if len(token.Headers) != 1 || token.Headers[0].Algorithm != string(algorithmOf(client.Key)) {
		return Client{}, badClient("the assertion's algorithm is not the one of the client's key")
	}
	var payload json.RawMessage
	if err := token.Claims(client.Key.Key, &payload); err != nil {
		return Client{}, badClient("the assertion's signature does not hold")
	}
	var claims jwt.Claims
	if err := json.Unmarshal(payload, &claims); err != nil {
		return Client{}, badClient("the assertion cannot be read")
	}
	if refused := p.checkAssertion(claims, client, clientID); refused != nil {
		return Client{}, refused
	}
	first, err := p.used.mark(client.ID, claims.ID, claims.Expiry.Time(), p.now())
	if err != nil {
		return Client{}, &protocolError{http.StatusServiceUnavailable, "temporarily_unavailable", "the assertion cannot be recorded"}
	}
	if !first {
		return Client{}, badClient("the assertion was used before")
	}
	return client, nil
}

func (p *Provider) checkAssertion(c jwt.Claims, client Client, clientID string) *protocolError {
	now := p.now()
	switch {
	case c.Issuer != client.ID || c.Subject != client.ID || (clientID != "" && clientID != client.ID):
		return badClient("iss, sub and client_id must be the client's id")
	case !c.Audience.Contains(p.issuer) && !c.Audience.Contains(p.tokenEndpoint()):
		return badClient("aud must be the issuer or the token endpoint")
	case c.Expiry == nil || !c.Expiry.Time().After(now):
		return badClient("exp is missing or over")
	case c.Expiry.Time().After(now.Add(maxAssertionLife + clockSkew)):
		return badClient("exp lies more than five minutes ahead")
	case c.NotBefore != nil && c.NotBefore.Time().After(now.Add(clockSkew)), c.IssuedAt != nil && c.IssuedAt.Time().After(now.Add(clockSkew)):
		return badClient("the assertion is from the future")
	case c.ID == "" || len(c.ID) > maxJTI:
		return badClient("jti is missing or too long")
	}
	return nil
}
