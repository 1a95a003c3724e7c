// Package clienttest plays an OpenID provider for tests of machine clients: discovery, and client_credentials with
// private_key_jwt as strict as the broker's own provider. Its access tokens are opaque and name their client.
package clienttest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// Issuer is the provider. It is safe for concurrent use.
type Issuer struct {
	// URL is the issuer.
	URL string

	mu      sync.Mutex
	clients map[string]jose.JSONWebKey
	seen    map[string]bool
	tokens  map[string]string
	life    time.Duration
	issued  int
}

// NewIssuer starts a provider that ends with the test.
func NewIssuer(tb testing.TB) *Issuer {
	tb.Helper()
	i := &Issuer{
		clients: map[string]jose.JSONWebKey{}, seen: map[string]bool{}, tokens: map[string]string{}, life: 10 * time.Minute,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("POST /token", i.token)
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Client makes credentials and registers them.
func (i *Issuer) Client(tb testing.TB, id string) client.Credentials {
	tb.Helper()
	c, err := client.Generate(id)
	if err != nil {
		tb.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.clients[id] = c.Public()
	return c
}

// Life sets how long further tokens live.
func (i *Issuer) Life(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.life = d
}

// Revoke makes every token issued so far worthless, as a restart of the provider does.
func (i *Issuer) Revoke() {
	i.mu.Lock()
	defer i.mu.Unlock()
	clear(i.tokens)
}

// Issued counts the tokens issued so far.
func (i *Issuer) Issued() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.issued
}

// Who is the client of the bearer token of r; empty when there is no good token.
func (i *Issuer) Who(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.tokens[token]
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"issuer": i.URL, "token_endpoint": i.URL + "/token"})
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	id, ok := i.check(r.PostFormValue("client_assertion"))
	if r.PostFormValue("grant_type") != "client_credentials" || !ok {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	token := rand.Text()
	i.tokens[token] = id
	i.issued++
	answer(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int64(i.life.Seconds()),
	})
}

// check verifies an assertion: signature of the client's key, issuer, audience, a life of at most two minutes, and a
// jti that was not presented before.
func (i *Issuer) check(assertion string) (string, bool) {
	parsed, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return "", false
	}
	var loose jwt.Claims
	if parsed.UnsafeClaimsWithoutVerification(&loose) != nil {
		return "", false
	}
	key, known := i.clients[loose.Subject]
	var claims jwt.Claims
	if !known || parsed.Claims(key, &claims) != nil {
		return "", false
	}
	now := time.Now()
	good := claims.Issuer == claims.Subject &&
		slices.Equal(claims.Audience, jwt.Audience{i.URL + "/token"}) &&
		claims.ID != "" && !i.seen[claims.ID] &&
		claims.Expiry != nil && claims.Expiry.Time().After(now) && claims.Expiry.Time().Before(now.Add(2*time.Minute))
	i.seen[claims.ID] = true
	return claims.Subject, good
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
