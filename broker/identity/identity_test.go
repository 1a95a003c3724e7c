package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/audit"
	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/openid"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
)

const issuer = "http://127.0.0.1:9/oidc"

func database(t *testing.T) *sqlstore.DB {
	t.Helper()
	return sqlstoretest.Open(t)
}

// jwks is a provider's published keys.
type jwks struct {
	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetches int
	down    bool
}

func (j *jwks) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fetches++
	if j.down {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: j.keys}); err != nil {
		panic(err)
	}
}

func (j *jwks) set(change func(*jwks)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(j)
}

type key struct {
	private *ecdsa.PrivateKey
	id      string
}

func newKey(t *testing.T, id string) key {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key{k, id}
}

func (k key) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: &k.private.PublicKey, KeyID: k.id, Algorithm: "ES256", Use: "sig"}
}

func sign(t *testing.T, key jose.SigningKey, claims any) string {
	t.Helper()
	s, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (k key) sign(t *testing.T, claims any) string {
	t.Helper()
	return sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}}, claims)
}

func claims(change map[string]any) map[string]any {
	c := map[string]any{
		"iss": issuer, "sub": "gewerbeamt-muenchen", "client_id": "gewerbeamt-muenchen", "kind": "machine", "aud": "broker-api",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	for k, v := range change {
		if v == nil {
			delete(c, k)
			continue
		}
		c[k] = v
	}
	return c
}

type fixture struct {
	directory *identity.Directory
	db        *sqlstore.DB
	jwks      *jwks
	key       key
}

func setup(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{db: database(t), key: newKey(t, "k1")}
	f.jwks = &jwks{keys: []jose.JSONWebKey{f.key.public()}}
	server := httptest.NewServer(f.jwks)
	t.Cleanup(server.Close)
	var err error
	f.directory, err = identity.New(t.Context(), identity.Config{DB: f.db, Issuer: issuer, Audience: "broker-api", JWKSURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	seed(t, f.directory)
	return f
}

func seed(t *testing.T, d *identity.Directory) {
	t.Helper()
	if err := d.Seed(t.Context(), []identity.Principal{
		{ID: "gewerbeamt-muenchen", Kind: identity.Machine, Role: actor.System, Operator: "bayern", Tenant: "muenchen", Authority: "gewerbeamt-muenchen"},
		{ID: "worker-muenchen", Kind: identity.Person, Role: actor.CaseWorker, Operator: "bayern", Tenant: "muenchen", Authority: "gewerbeamt-muenchen"},
		{ID: "portal-bayern", Kind: identity.Machine, Role: actor.Portal, Operator: "bayern"},
	}); err != nil {
		t.Fatal(err)
	}
}

var office = actor.Viewer{
	Actor:  actor.Actor{ID: "gewerbeamt-muenchen", Role: actor.System, Authority: "gewerbeamt-muenchen"},
	Tenant: "muenchen", Operator: "bayern", Assurance: actor.Substantial,
}

func TestATokenNamesOnlyWhoAndTheRowSaysTheRest(t *testing.T) {
	t.Parallel()
	f := setup(t)
	worker := office
	worker.ID, worker.Role, worker.Assurance = "worker-muenchen", actor.CaseWorker, actor.Basic
	high := worker
	high.Assurance = actor.High
	portal := actor.Viewer{Actor: actor.Actor{ID: "portal-bayern", Role: actor.Portal}, Operator: "bayern", Assurance: actor.Substantial}
	tests := map[string]struct {
		change map[string]any
		want   actor.Viewer
	}{
		"machine":                 {nil, office},
		"machine with claims":     {map[string]any{"tenant": "nuernberg", "operator": "hessen", "authority": "bauamt-muenchen", "role": "operator", "groups": []string{"operator"}, "acr": "high"}, office},
		"machine without kind":    {map[string]any{"kind": nil}, office},
		"service account":         {map[string]any{"sub": "2f6c…"}, office},
		"several audiences":       {map[string]any{"aud": []string{"account", "broker-api"}}, office},
		"portal":                  {map[string]any{"sub": "portal-bayern", "client_id": "portal-bayern"}, portal},
		"person":                  {map[string]any{"sub": "worker-muenchen", "client_id": "pages", "kind": "person"}, worker},
		"person without kind":     {map[string]any{"sub": "worker-muenchen", "client_id": "pages", "kind": nil}, worker},
		"person at a high level":  {map[string]any{"sub": "worker-muenchen", "client_id": "pages", "kind": "person", "acr": "high"}, high},
		"person at a level of ??": {map[string]any{"sub": "worker-muenchen", "client_id": "pages", "kind": "person", "acr": "gold"}, worker},
	}
	for name, tt := range tests {
		got, err := f.directory.Authenticate(t.Context(), f.key.sign(t, claims(tt.change)))
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestATokenThatIsNotExactlyRightIsUnauthenticated(t *testing.T) {
	t.Parallel()
	f := setup(t)
	foreign := newKey(t, "k1")
	public, err := json.Marshal(f.key.public())
	if err != nil {
		t.Fatal(err)
	}
	good := f.key.sign(t, claims(nil))
	parts := strings.Split(good, ".")
	token := func(change map[string]any) string { return f.key.sign(t, claims(change)) }
	tests := map[string]string{
		"expired":              token(map[string]any{"exp": time.Now().Add(-time.Second).Unix()}),
		"without expiry":       token(map[string]any{"exp": nil}),
		"not yet":              token(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"wrong audience":       token(map[string]any{"aud": "pages"}),
		"without audience":     token(map[string]any{"aud": nil}),
		"foreign issuer":       token(map[string]any{"iss": "http://127.0.0.1:9/other"}),
		"issuer with slash":    token(map[string]any{"iss": issuer + "/"}),
		"foreign key":          foreign.sign(t, claims(nil)),
		"algorithm none":       "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + parts[1] + ".",
		"signature cut off":    parts[0] + "." + parts[1] + ".",
		"public key as secret": sign(t, jose.SigningKey{Algorithm: jose.HS256, Key: public}, claims(nil)),
		"unknown principal":    token(map[string]any{"sub": "CANARY", "client_id": "CANARY"}),
		"machine as person":    token(map[string]any{"kind": "person"}),
		"person as machine":    token(map[string]any{"client_id": "worker-muenchen"}),
		"names nobody":         token(map[string]any{"sub": nil, "client_id": nil, "kind": nil}),
		"unknown kind":         token(map[string]any{"kind": "CANARY"}),
		"no token":             "CANARY",
		"nothing":              "",
	}
	for name, raw := range tests {
		v, err := f.directory.Authenticate(t.Context(), raw)
		if contracts.KindOf(err) != contracts.Unauthenticated || (v != actor.Viewer{}) {
			t.Errorf("%s: viewer %+v, error %v", name, v, err)
			continue
		}
		if s := err.Error(); strings.Contains(s, "CANARY") || strings.Contains(s, issuer) || strings.Contains(s, "muenchen") {
			t.Errorf("%s: the cause repeats the token: %s", name, s)
		}
	}
	if _, err := f.directory.Authenticate(t.Context(), good); err != nil {
		t.Errorf("the good token: %v", err)
	}
}

func TestRevocationWorksWithTheNextRequestAndSurvivesSeeding(t *testing.T) {
	t.Parallel()
	f := setup(t)
	token := f.key.sign(t, claims(nil))
	if _, err := f.directory.Authenticate(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if err := f.directory.Revoke(t.Context(), "gewerbeamt-muenchen"); err != nil {
		t.Fatal(err)
	}
	seed(t, f.directory)
	if _, err := f.directory.Authenticate(t.Context(), token); contracts.KindOf(err) != contracts.Unauthenticated {
		t.Errorf("got %v", err)
	}
	if err := f.directory.Revoke(t.Context(), "nobody"); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("revoke nobody: %v", err)
	}
}

func TestAMachineIsKnownByItsRowForOtherProofsThanTokens(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v, err := f.directory.Machine(t.Context(), "gewerbeamt-muenchen")
	if err != nil || v.ID != "gewerbeamt-muenchen" || v.Role != actor.System || v.Authority != "gewerbeamt-muenchen" || v.Operator != "bayern" {
		t.Errorf("viewer %+v, %v", v, err)
	}
	if err := f.directory.Revoke(t.Context(), "gewerbeamt-muenchen"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"gewerbeamt-muenchen", "worker-muenchen", "nobody"} {
		if _, err := f.directory.Machine(t.Context(), id); contracts.KindOf(err) != contracts.Unauthenticated {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestANewKeyIsFetchedWhenATokenNamesIt(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for range 3 {
		if _, err := f.directory.Authenticate(t.Context(), f.key.sign(t, claims(nil))); err != nil {
			t.Fatal(err)
		}
	}
	f.jwks.set(func(j *jwks) {
		if j.fetches != 1 {
			t.Errorf("%d fetches for three tokens", j.fetches)
		}
	})
	second := newKey(t, "k2")
	f.jwks.set(func(j *jwks) { j.keys = append(j.keys, second.public()) })
	if _, err := f.directory.Authenticate(t.Context(), second.sign(t, claims(nil))); err != nil {
		t.Errorf("after rotation: %v", err)
	}
	f.jwks.set(func(j *jwks) { j.down = true })
	if _, err := f.directory.Authenticate(t.Context(), f.key.sign(t, claims(nil))); err != nil {
		t.Errorf("a known key while the provider is down: %v", err)
	}
	third := newKey(t, "k3")
	if _, err := f.directory.Authenticate(t.Context(), third.sign(t, claims(nil))); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("an unknown key while the provider is down: %v", err)
	}
}

func TestSeedingNamesEveryPrincipalThatCannotBe(t *testing.T) {
	t.Parallel()
	db := database(t)
	d, err := identity.New(t.Context(), identity.Config{DB: db, Issuer: issuer, Audience: "broker-api", JWKSURL: "http://127.0.0.1:9/jwks"})
	if err != nil {
		t.Fatal(err)
	}
	good := identity.Principal{ID: "good", Kind: identity.Machine, Role: actor.Portal, Operator: "bayern"}
	wrong := []identity.Principal{
		{ID: "no-operator", Kind: identity.Machine, Role: actor.Portal},
		{ID: "portal-with-tenant", Kind: identity.Machine, Role: actor.Portal, Operator: "bayern", Tenant: "muenchen"},
		{ID: "system-without-office", Kind: identity.Machine, Role: actor.System, Operator: "bayern", Tenant: "muenchen"},
		{ID: "person-as-system", Kind: identity.Person, Role: actor.System, Operator: "bayern", Tenant: "muenchen", Authority: "a-b"},
		{ID: "machine-as-worker", Kind: identity.Machine, Role: actor.CaseWorker, Operator: "bayern", Tenant: "muenchen", Authority: "a-b"},
		{ID: "engine", Kind: identity.Machine, Role: actor.Engine, Operator: "bayern"},
		{ID: "no-role", Kind: identity.Machine, Operator: "bayern"},
	}
	err = d.Seed(t.Context(), append([]identity.Principal{good}, wrong...))
	if contracts.KindOf(err) != contracts.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, p := range wrong {
		if !strings.Contains(err.Error(), `"`+p.ID+`"`) {
			t.Errorf("%s is not named: %v", p.ID, err)
		}
	}
	var n int
	if err := db.Read().QueryRowContext(t.Context(), `select count(*) from principals`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestAnIssuerWithoutAudienceIsInvalid(t *testing.T) {
	t.Parallel()
	db := database(t)
	good := identity.Config{DB: db, Issuer: issuer, Audience: "broker-api", JWKSURL: "http://127.0.0.1:9/jwks"}
	for name, change := range map[string]func(*identity.Config){
		"no audience": func(c *identity.Config) { c.Audience = "" },
		"no issuer":   func(c *identity.Config) { c.Issuer = "" },
		"no keys":     func(c *identity.Config) { c.JWKSURL = "" },
		"no database": func(c *identity.Config) { c.DB = nil },
	} {
		cfg := good
		change(&cfg)
		if _, err := identity.New(t.Context(), cfg); contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// whole is provider, directory, audit log and API as the standalone program puts them together.
type whole struct {
	server *httpserver.Server
	db     *sqlstore.DB
	issuer string
	key    jose.JSONWebKey
}

func start(t *testing.T) *whole {
	t.Helper()
	w := &whole{db: database(t)}
	l, err := httpserver.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.issuer = "http://" + l.Addr().String() + "/oidc"
	private := newKey(t, "c")
	w.key = jose.JSONWebKey{Key: private.private, KeyID: "c"}
	provider, err := openid.New(openid.Config{Dir: t.TempDir(), Issuer: w.issuer, Clients: []openid.Client{{ID: "gewerbeamt-muenchen", Key: private.public()}}})
	if err != nil {
		t.Fatal(err)
	}
	directory, err := identity.New(t.Context(), identity.Config{DB: w.db, Issuer: w.issuer, Audience: openid.Audience, Keys: provider})
	if err != nil {
		t.Fatal(err)
	}
	seed(t, directory)
	log, err := audit.New(audit.Config{DB: w.db, Operator: "bayern"})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/cases/{case_id}/events", http.NotFound)
	mux.HandleFunc("GET /v1/ledger/verification", func(rw http.ResponseWriter, r *http.Request) {
		v := httpserver.Viewer(r.Context())
		_, _ = rw.Write([]byte(v.ID + " of " + string(v.Tenant)))
	})
	handler, err := httpserver.Handler(t.Context(), httpserver.Config{
		API: mux, Tags: []string{"ledger"}, Authenticator: directory, Audit: log, Open: map[string]http.Handler{provider.Pattern(): provider.Handler()},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.server = httpserver.New(httpserver.ServerConfig{Listener: l, Handler: handler})
	if err := w.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.server.Stop(context.WithoutCancel(t.Context())), provider.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *whole) do(t *testing.T, method, path, bearer string, form url.Values) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.server.Addr()+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAMachineTokenReachesTheAPIAndEveryRefusalIsOnRecord(t *testing.T) {
	t.Parallel()
	w := start(t)
	assertion := sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: w.key}, map[string]any{
		"iss": "gewerbeamt-muenchen", "sub": "gewerbeamt-muenchen", "aud": w.issuer + "/token", "exp": time.Now().Add(time.Minute).Unix(), "jti": rand.Text(),
	})
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	status, body := w.do(t, http.MethodPost, "/oidc/token", "", form)
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &token); err != nil || status != 200 {
		t.Fatalf("status %d: %s", status, body)
	}
	const path = "/v1/ledger/verification"
	if status, body := w.do(t, http.MethodGet, path, token.AccessToken, nil); status != 200 || body != "gewerbeamt-muenchen of muenchen" {
		t.Errorf("status %d: %s", status, body)
	}
	if status, _ := w.do(t, http.MethodPost, "/oidc/token", "", form); status != 401 {
		t.Errorf("replayed assertion: status %d", status)
	}
	if status, _ := w.do(t, http.MethodGet, path, "", nil); status != 401 {
		t.Errorf("no token: status %d", status)
	}
	if status, _ := w.do(t, http.MethodGet, path+"?x=1", token.AccessToken, nil); status != 400 {
		t.Errorf("unknown parameter: status %d", status)
	}
	rows, err := w.db.Read().QueryContext(t.Context(), `select principal, operation, kind from audit_lines`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[string]int{}
	for rows.Next() {
		var principal, operation, kind string
		if err := rows.Scan(&principal, &operation, &kind); err != nil {
			t.Fatal(err)
		}
		got[principal+"|"+operation+"|"+kind]++
	}
	want := map[string]int{"|POST /oidc/|unauthenticated": 1, "|verifyLedger|unauthenticated": 1, "gewerbeamt-muenchen|verifyLedger|invalid": 1}
	if !maps.Equal(got, want) || rows.Err() != nil {
		t.Errorf("audit lines %v, want %v, error %v", got, want, rows.Err())
	}
}
