package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/efa-broker/efa-broker/broker/identity"
)

// forger holds what an attacker would have to steal: the signing key of the OpenID provider. Tests use it to sign
// claims that the provider itself would never sign, and to speak as principals that no client belongs to.
type forger struct {
	tb     testing.TB
	issuer string
	key    jose.JSONWebKey
}

func newForger(h *house) forger {
	h.tb.Helper()
	raw, err := os.ReadFile(filepath.Join(h.program.dir("openid"), "signing.json"))
	if err != nil {
		h.tb.Fatal(err)
	}
	f := forger{tb: h.tb, issuer: h.program.issuer}
	if err := json.Unmarshal(raw, &f.key); err != nil {
		h.tb.Fatal(err)
	}
	return f
}

// claims are those of a good access token of a machine, changed; nil deletes a claim.
func (f forger) claims(id string, change map[string]any) map[string]any {
	c := map[string]any{
		"iss": f.issuer, "sub": id, "client_id": id, "kind": "machine", "aud": "broker-api",
		"iat": time.Now().Unix(), "exp": time.Now().Add(10 * time.Minute).Unix(),
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func (f forger) sign(alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	f.tb.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		f.tb.Fatal(err)
	}
	out, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		f.tb.Fatal(err)
	}
	return out
}

// token is an access token under the provider's own key.
func (f forger) token(id string, change map[string]any) string {
	f.tb.Helper()
	return f.sign(jose.ES256, f.key, f.claims(id, change))
}

// keyOf reads the private key of a machine client.
func (h *house) keyOf(id string) jose.JSONWebKey {
	h.tb.Helper()
	var file struct {
		Key jose.JSONWebKey `json:"key"`
	}
	raw, err := os.ReadFile(filepath.Join(h.program.dir("clients"), id+".json"))
	if err != nil {
		h.tb.Fatal(err)
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		h.tb.Fatal(err)
	}
	return file.Key
}

func foreignKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// newJTI is an id for one assertion.
func newJTI() string { return rand.Text() }

// admit writes the broker's rows of callers that the standalone form does not have: another portal, another operator, a
// system that was revoked, somebody who claims to be the process engine.
func (h *house) admit(revoked bool, principals ...identity.Principal) {
	h.tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.program.cfg.Data, "ledger.db")+"?_pragma=busy_timeout(20000)")
	if err != nil {
		h.tb.Fatal(err)
	}
	defer db.Close()
	var at any
	if revoked {
		at = time.Now().UTC()
	}
	for _, p := range principals {
		if _, err := db.ExecContext(h.tb.Context(), `insert into principals (id, kind, operator, tenant, authority, role, revoked)
			values ($1, $2, $3, $4, $5, $6, $7)`, p.ID, string(p.Kind), string(p.Operator), string(p.Tenant), string(p.Authority), string(p.Role), at); err != nil {
			h.tb.Fatal(err)
		}
	}
}

// assertionType is the one way in which clients authenticate (RFC 7523).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
