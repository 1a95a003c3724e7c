package openid_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"github.com/efa-broker/efa-broker/broker/internal/openid"
	"github.com/efa-broker/efa-broker/contracts"
)

const (
	redirectURI = "http://127.0.0.1:1/callback"
	password    = "richtig pferd batterie"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type fixture struct {
	provider *openid.Provider
	server   *httptest.Server
	issuer   string
	dir      string
	key      jose.JSONWebKey // private, of the client gewerbeamt-muenchen
	rsa      *rsa.PrivateKey // of the client portal-bayern
	clock    *clock
	config   openid.Config
	log      *bytes.Buffer
}

func setup(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{dir: t.TempDir(), clock: &clock{at: time.Now()}, log: &bytes.Buffer{}}
	public, err := openid.EnsureClientKey(filepath.Join(f.dir, "clients"), "gewerbeamt-muenchen")
	if err != nil {
		t.Fatal(err)
	}
	f.key = clientKey(t, filepath.Join(f.dir, "clients", "gewerbeamt-muenchen.json"))
	if f.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	hash, err := openid.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(f.server.Close)
	f.issuer = f.server.URL + "/oidc"
	f.config = openid.Config{
		Dir: filepath.Join(f.dir, "openid"), Issuer: f.issuer, Now: f.clock.now, Logger: slog.New(slog.NewJSONHandler(f.log, nil)),
		Clients: []openid.Client{
			{ID: "gewerbeamt-muenchen", Key: public, Scopes: []string{"tasks.read"}},
			{ID: "portal-bayern", Key: jose.JSONWebKey{Key: &f.rsa.PublicKey, KeyID: "p"}},
			{ID: "pages", RedirectURIs: []string{redirectURI}, Scopes: []string{"openid", "cases.read"}},
			{ID: "other-pages", RedirectURIs: []string{redirectURI}, Scopes: []string{"openid"}},
		},
		People: []openid.Person{{ID: "worker-muenchen", Name: "Erika Beispiel", PasswordHash: hash}},
	}
	f.provider = open(t, f.config)
	handler = f.provider.Handler()
	return f
}

func open(t *testing.T, cfg openid.Config) *openid.Provider {
	t.Helper()
	p, err := openid.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// close ends the fixture's provider before its time, as a stop of the process does.
func (f *fixture) close(t *testing.T) {
	t.Helper()
	if err := f.provider.Close(); err != nil {
		t.Fatal(err)
	}
}

func clientKey(t *testing.T, path string) jose.JSONWebKey {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, error %v", info, err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		ClientID string          `json:"client_id"`
		Key      jose.JSONWebKey `json:"key"`
	}
	if err := json.Unmarshal(raw, &f); err != nil || f.Key.IsPublic() {
		t.Fatalf("key file: %v", err)
	}
	return f.Key
}

// assertion makes a client assertion that is right, changed by change.
func (f *fixture) assertion(t *testing.T, change func(claims map[string]any)) string {
	t.Helper()
	claims := map[string]any{
		"iss": "gewerbeamt-muenchen", "sub": "gewerbeamt-muenchen", "aud": f.issuer,
		"exp": f.clock.now().Add(time.Minute).Unix(), "iat": f.clock.now().Unix(), "jti": rand.Text(),
	}
	if change != nil {
		change(claims)
	}
	return signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: f.key}, claims)
}

func signed(t *testing.T, key jose.SigningKey, claims any) string {
	t.Helper()
	s, err := jose.NewSigner(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type answer struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, r *http.Request) answer {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func get(t *testing.T, target string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, r)
}

func post(t *testing.T, target string, form url.Values) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(t, r)
}

func machineForm(assertion string) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

func (f *fixture) relyingParty(style oauth2.AuthStyle) *oauth2.Config {
	return &oauth2.Config{
		ClientID: "pages", RedirectURL: redirectURI, Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{AuthURL: f.issuer + "/authorize", TokenURL: f.issuer + "/token", AuthStyle: style},
	}
}

var loginField = regexp.MustCompile(`name="login" value="([^"]+)"`)

// form opens the login form and returns the name of the pending login.
func (f *fixture) form(t *testing.T, target string) string {
	t.Helper()
	a := get(t, target)
	m := loginField.FindStringSubmatch(a.body)
	if a.status != 200 || m == nil {
		t.Fatalf("form: status %d: %s", a.status, a.body)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the form may be cached: %v", a.header)
	}
	return m[1]
}

// code logs worker-muenchen in and returns the query of the redirect.
func (f *fixture) code(t *testing.T, target string) url.Values {
	t.Helper()
	a := post(t, f.issuer+"/login", url.Values{"login": {f.form(t, target)}, "person": {"worker-muenchen"}, "password": {password}})
	return back(t, a)
}

func back(t *testing.T, a answer) url.Values {
	t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != http.StatusSeeOther || !strings.HasPrefix(u.String(), redirectURI+"?") {
		t.Fatalf("status %d, location %q: %s", a.status, a.header.Get("Location"), a.body)
	}
	return u.Query()
}

func TestAPersonLogsInWithPKCEThroughAnOrdinaryRelyingParty(t *testing.T) {
	t.Parallel()
	f := setup(t)
	provider, err := oidc.NewProvider(t.Context(), f.issuer) // discovery
	if err != nil {
		t.Fatal(err)
	}
	rp := f.relyingParty(oauth2.AuthStyleInParams)
	rp.Endpoint.AuthURL, rp.Endpoint.TokenURL = provider.Endpoint().AuthURL, provider.Endpoint().TokenURL
	verifier := oauth2.GenerateVerifier()
	q := f.code(t, rp.AuthCodeURL("some state", oidc.Nonce("n1"), oauth2.S256ChallengeOption(verifier)))
	if q.Get("state") != "some state" || q.Get("iss") != f.issuer {
		t.Errorf("answer %v", q)
	}
	token, err := rp.Exchange(t.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		t.Fatal("no id token")
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: "pages"}).Verify(t.Context(), raw)
	if err != nil || id.Nonce != "n1" || id.Subject != "worker-muenchen" {
		t.Errorf("id token %+v, error %v", id, err)
	}
	access, err := oidc.NewVerifier(f.issuer, f.provider, &oidc.Config{ClientID: openid.Audience, SupportedSigningAlgs: []string{oidc.ES256}}).Verify(t.Context(), token.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := access.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	for name := range claims {
		if !slices.Contains([]string{"iss", "sub", "aud", "client_id", "kind", "acr", "scope", "jti", "iat", "exp"}, name) {
			t.Errorf("access token claims %s", name)
		}
	}
	if claims["sub"] != "worker-muenchen" || claims["client_id"] != "pages" || claims["kind"] != "person" || access.Expiry.Sub(access.IssuedAt) != 10*time.Minute {
		t.Errorf("claims %v", claims)
	}
	if strings.Contains(f.log.String(), "Erika") {
		t.Errorf("a name is in the log: %s", f.log)
	}
}

// Without AuthStyleInParams x/oauth2 tries Basic first, and that first presentation uses the code up.
func TestDetectingTheAuthStyleBurnsTheCode(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for style, works := range map[oauth2.AuthStyle]bool{oauth2.AuthStyleAutoDetect: false, oauth2.AuthStyleInParams: true} {
		rp := f.relyingParty(style)
		verifier := oauth2.GenerateVerifier()
		q := f.code(t, rp.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
		if _, err := rp.Exchange(t.Context(), q.Get("code"), oauth2.VerifierOption(verifier)); (err == nil) != works {
			t.Errorf("style %v: error %v", style, err)
		}
	}
}

func TestAWrongPasswordAndAnUnknownPersonGetTheSameFormAgain(t *testing.T) {
	t.Parallel()
	f := setup(t)
	login := f.form(t, f.relyingParty(oauth2.AuthStyleInParams).AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	wrong := post(t, f.issuer+"/login", url.Values{"login": {login}, "person": {"worker-muenchen"}, "password": {"falsch"}})
	unknown := post(t, f.issuer+"/login", url.Values{"login": {login}, "person": {"niemand"}, "password": {password}})
	empty := post(t, f.issuer+"/login", url.Values{"login": {login}})
	for name, a := range map[string]answer{"wrong": wrong, "unknown": unknown, "empty": empty} {
		if a.status != 401 || a.body != wrong.body || !strings.Contains(a.body, "Benutzername oder Passwort ist falsch.") {
			t.Errorf("%s: status %d: %s", name, a.status, a.body)
		}
	}
	right := post(t, f.issuer+"/login", url.Values{"login": {login}, "person": {"worker-muenchen"}, "password": {password}})
	if back(t, right).Get("code") == "" {
		t.Error("the form does not count after a wrong password")
	}
	again := post(t, f.issuer+"/login", url.Values{"login": {login}, "person": {"worker-muenchen"}, "password": {password}})
	if again.status != 400 {
		t.Errorf("the same form gave two codes: status %d", again.status)
	}
}

func TestTheFormSpeaksGermanAndEnglishAndForbidsEverythingElse(t *testing.T) {
	t.Parallel()
	f := setup(t)
	target := f.relyingParty(oauth2.AuthStyleInParams).AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	for accept, want := range map[string]string{"": "Anmelden", "de-DE,en": "Anmelden", "en-GB,de;q=0.5": "Log in"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Language", accept)
		a := send(t, r)
		if !strings.Contains(a.body, "<h1>"+want+"</h1>") {
			t.Errorf("%q: %s", accept, a.body)
		}
		want := "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' http://127.0.0.1:1"
		if got := a.header.Get("Content-Security-Policy"); got != want {
			t.Errorf("policy %q", got)
		}
	}
	if a := get(t, f.issuer+"/style.css"); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/css") {
		t.Errorf("style: status %d", a.status)
	}
}

func (f *fixture) authorizeURL(change url.Values) string {
	q := url.Values{
		"client_id": {"pages"}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier("v")}, "code_challenge_method": {"S256"},
	}
	for k, v := range change {
		if v == nil {
			q.Del(k)
			continue
		}
		q[k] = v
	}
	return f.issuer + "/authorize?" + q.Encode()
}

func TestAnUnregisteredAddressIsNeverRedirectedTo(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for name, change := range map[string]url.Values{
		"unknown client":    {"client_id": {"nobody"}},
		"no client":         {"client_id": nil},
		"machine client":    {"client_id": {"gewerbeamt-muenchen"}},
		"foreign address":   {"redirect_uri": {"https://attacker.example/"}},
		"longer address":    {"redirect_uri": {redirectURI + "/../x"}},
		"with query":        {"redirect_uri": {redirectURI + "?x=1"}},
		"no address":        {"redirect_uri": nil},
		"two addresses":     {"redirect_uri": {redirectURI, "https://attacker.example/"}},
		"wrong in all ways": {"redirect_uri": {"https://attacker.example/"}, "response_type": {"token"}},
	} {
		a := get(t, f.authorizeURL(change))
		if a.status != 400 || a.header.Get("Location") != "" || strings.Contains(a.body, "attacker") {
			t.Errorf("%s: status %d, location %q", name, a.status, a.header.Get("Location"))
		}
	}
	for _, target := range []string{
		"/logout?client_id=pages&post_logout_redirect_uri=https://attacker.example/", "/logout?post_logout_redirect_uri=" + redirectURI,
	} {
		if a := get(t, f.issuer+target); a.status != 400 || a.header.Get("Location") != "" {
			t.Errorf("%s: status %d", target, a.status)
		}
	}
}

func TestLaterFaultsGoBackWithStateAndIssuer(t *testing.T) {
	t.Parallel()
	f := setup(t)
	tests := map[string]struct {
		change url.Values
		want   string
	}{
		"implicit":         {url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		"no challenge":     {url.Values{"code_challenge": nil}, "invalid_request"},
		"short challenge":  {url.Values{"code_challenge": {"abc"}}, "invalid_request"},
		"plain challenge":  {url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		"no method":        {url.Values{"code_challenge_method": nil}, "invalid_request"},
		"no openid":        {url.Values{"scope": {"cases.read"}}, "invalid_scope"},
		"foreign scope":    {url.Values{"scope": {"openid tasks.read"}}, "invalid_scope"},
		"no page":          {url.Values{"prompt": {"none"}}, "login_required"},
		"request object":   {url.Values{"request": {"x"}}, "request_not_supported"},
		"request by URI":   {url.Values{"request_uri": {"https://attacker.example/"}}, "request_uri_not_supported"},
		"fragment answer":  {url.Values{"response_mode": {"fragment"}}, "invalid_request"},
		"without fault 43": {url.Values{"code_challenge": {strings.Repeat("a", 44)}}, "invalid_request"},
	}
	for name, tt := range tests {
		q := back(t, get(t, f.authorizeURL(tt.change)))
		if q.Get("error") != tt.want || q.Get("state") != "s" || q.Get("iss") != f.issuer || q.Get("code") != "" {
			t.Errorf("%s: %v", name, q)
		}
	}
	a := get(t, f.issuer+"/logout?client_id=pages&state=s&post_logout_redirect_uri="+url.QueryEscape(redirectURI))
	if q := back(t, a); q.Get("state") != "s" {
		t.Errorf("logout: %v", q)
	}
	if a := get(t, f.issuer+"/logout"); a.status != 200 || !strings.Contains(a.body, "abgemeldet") {
		t.Errorf("logout: status %d: %s", a.status, a.body)
	}
}

func TestACodeCountsOnceForItsClientAddressAndVerifier(t *testing.T) {
	t.Parallel()
	f := setup(t)
	good := func() url.Values {
		q := f.code(t, f.authorizeURL(nil))
		return url.Values{"grant_type": {"authorization_code"}, "client_id": {"pages"}, "code": {q.Get("code")}, "redirect_uri": {redirectURI}, "code_verifier": {"v"}}
	}
	first := good()
	if a := post(t, f.issuer+"/token", first); a.status != 200 || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("status %d, header %v: %s", a.status, a.header, a.body)
	}
	if a := post(t, f.issuer+"/token", first); a.status != 400 || !strings.Contains(a.body, "invalid_grant") {
		t.Errorf("second use: status %d: %s", a.status, a.body)
	}
	for name, wrong := range map[string][2]string{
		"client": {"client_id", "other-pages"}, "address": {"redirect_uri", "http://127.0.0.1:1/"}, "verifier": {"code_verifier", "w"},
	} {
		form := good()
		right := form.Get(wrong[0])
		form.Set(wrong[0], wrong[1])
		if a := post(t, f.issuer+"/token", form); a.status != 400 {
			t.Errorf("wrong %s: status %d", name, a.status)
		}
		form.Set(wrong[0], right)
		if a := post(t, f.issuer+"/token", form); a.status != 400 {
			t.Errorf("after a wrong %s the code still counts: status %d", name, a.status)
		}
	}
	late := good()
	f.clock.move(time.Minute)
	if a := post(t, f.issuer+"/token", late); a.status != 400 {
		t.Errorf("after a minute: status %d", a.status)
	}
}

func TestAMachineGetsATokenByItsKeyOnly(t *testing.T) {
	t.Parallel()
	f := setup(t)
	a := post(t, f.issuer+"/token", machineForm(f.assertion(t, nil)))
	var got struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 || got.TokenType != "Bearer" || got.ExpiresIn != 600 {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	payload, err := f.provider.VerifySignature(t.Context(), got.AccessToken)
	if err != nil || !strings.Contains(string(payload), `"sub":"gewerbeamt-muenchen","aud":"broker-api","client_id":"gewerbeamt-muenchen","kind":"machine"`) {
		t.Errorf("token %s, error %v", payload, err)
	}
	atEndpoint := f.assertion(t, func(c map[string]any) { c["aud"] = []string{f.issuer + "/token"} })
	if a := post(t, f.issuer+"/token", machineForm(atEndpoint)); a.status != 200 {
		t.Errorf("audience token endpoint: status %d: %s", a.status, a.body)
	}
	ps := signed(t, jose.SigningKey{Algorithm: jose.PS256, Key: f.rsa}, map[string]any{
		"iss": "portal-bayern", "sub": "portal-bayern", "aud": f.issuer, "exp": f.clock.now().Add(time.Minute).Unix(), "jti": "1",
	})
	if a := post(t, f.issuer+"/token", machineForm(ps)); a.status != 200 {
		t.Errorf("PS256: status %d: %s", a.status, a.body)
	}
}

func TestAnAssertionThatIsNotExactlyRightIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := f.clock.now()
	change := func(k string, v any) string { return f.assertion(t, func(c map[string]any) { c[k] = v }) }
	right := map[string]any{"iss": "gewerbeamt-muenchen", "sub": "gewerbeamt-muenchen", "aud": f.issuer, "exp": now.Add(time.Minute).Unix(), "jti": "x"}
	tests := map[string]string{
		"expired":           change("exp", now.Unix()),
		"no expiry":         f.assertion(t, func(c map[string]any) { delete(c, "exp") }),
		"too long":          change("exp", now.Add(6*time.Minute).Unix()),
		"from the future":   change("iat", now.Add(time.Hour).Unix()),
		"not yet":           change("nbf", now.Add(time.Hour).Unix()),
		"foreign audience":  change("aud", "https://elsewhere.example"),
		"no audience":       f.assertion(t, func(c map[string]any) { delete(c, "aud") }),
		"foreign subject":   change("sub", "portal-bayern"),
		"foreign issuer":    change("iss", "portal-bayern"),
		"unknown client":    change("iss", "nobody"),
		"public client":     change("iss", "pages"),
		"no jti":            f.assertion(t, func(c map[string]any) { delete(c, "jti") }),
		"foreign key":       signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: foreign}, right),
		"algorithm none":    "eyJhbGciOiJub25lIn0." + strings.Split(f.assertion(t, nil), ".")[1] + ".",
		"shared secret":     signed(t, jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, right),
		"weaker algorithm":  signed(t, jose.SigningKey{Algorithm: jose.RS256, Key: f.rsa}, map[string]any{"iss": "portal-bayern", "sub": "portal-bayern", "aud": f.issuer, "exp": now.Add(time.Minute).Unix(), "jti": "y"}),
		"not of the client": signed(t, jose.SigningKey{Algorithm: jose.PS256, Key: f.rsa}, right),
		"no assertion":      "",
		"no token":          "x.y.z",
	}
	for name, assertion := range tests {
		if a := post(t, f.issuer+"/token", machineForm(assertion)); a.status != 401 || !strings.Contains(a.body, "invalid_client") {
			t.Errorf("%s: status %d: %s", name, a.status, a.body)
		}
	}
	for name, form := range map[string]url.Values{
		"public client": {"grant_type": {"client_credentials"}, "client_id": {"pages"}},
		"foreign scope": func() url.Values {
			v := machineForm(f.assertion(t, nil))
			v.Set("scope", "tasks.read cases.read")
			return v
		}(),
		"another grant": func() url.Values {
			v := machineForm(f.assertion(t, nil))
			v.Set("grant_type", "password")
			return v
		}(),
	} {
		if a := post(t, f.issuer+"/token", form); a.status != 400 {
			t.Errorf("%s: status %d: %s", name, a.status, a.body)
		}
	}
}

func TestAReplayedAssertionIsRefusedAlsoAfterARestart(t *testing.T) {
	t.Parallel()
	f := setup(t)
	assertion := f.assertion(t, nil)
	if a := post(t, f.issuer+"/token", machineForm(assertion)); a.status != 200 {
		t.Fatalf("first use: status %d: %s", a.status, a.body)
	}
	if a := post(t, f.issuer+"/token", machineForm(assertion)); a.status != 401 || !strings.Contains(a.body, "used before") {
		t.Errorf("replay: status %d: %s", a.status, a.body)
	}
	f.close(t)
	restarted := open(t, f.config)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, f.issuer+"/token", strings.NewReader(machineForm(assertion).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	restarted.Handler().ServeHTTP(w, r)
	if w.Code != 401 || !strings.Contains(w.Body.String(), "used before") {
		t.Errorf("replay after a restart: status %d: %s", w.Code, w.Body)
	}
	if raw, err := os.ReadFile(filepath.Join(f.dir, "openid", "assertions.jsonl")); err != nil || strings.Contains(string(raw), "gewerbeamt") {
		t.Errorf("error %v, file %s", err, raw)
	}
}

func TestOfManyPresentationsOfAnAssertionOneCounts(t *testing.T) {
	t.Parallel()
	f := setup(t)
	form := machineForm(f.assertion(t, nil))
	status := make(chan int, 8)
	for range cap(status) {
		go func() { status <- post(t, f.issuer+"/token", form).status }()
	}
	counted := map[int]int{}
	for range cap(status) {
		counted[<-status]++
	}
	if counted[200] != 1 || counted[401] != cap(status)-1 {
		t.Errorf("got %v", counted)
	}
}

func TestTokensOutliveARestartBecauseTheKeyIsKept(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(post(t, f.issuer+"/token", machineForm(f.assertion(t, nil))).body), &got); err != nil {
		t.Fatal(err)
	}
	f.close(t)
	restarted := open(t, f.config)
	if _, err := restarted.VerifySignature(t.Context(), got.AccessToken); err != nil {
		t.Error(err)
	}
	if _, err := openid.New(f.config); err == nil || contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("a second provider over the directory: %v", err)
	}
	if err := restarted.Close(); err != nil {
		t.Fatal(err)
	}
	other := f.config
	other.Dir = t.TempDir()
	if _, err := open(t, other).VerifySignature(t.Context(), got.AccessToken); err == nil {
		t.Error("another key verifies the token")
	}
	path := filepath.Join(f.config.Dir, "signing.json")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, error %v", info, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openid.New(f.config); !errors.Is(err, openid.ErrKeyFile) {
		t.Errorf("a key that others may read: %v", err)
	}
}

func TestAClientKeyIsMadeOnceAndReadBack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "clients")
	first, err := openid.EnsureClientKey(dir, "operator-bayern")
	if err != nil || !first.IsPublic() || first.KeyID == "" {
		t.Fatalf("key %+v, error %v", first, err)
	}
	second, err := openid.EnsureClientKey(dir, "operator-bayern")
	if err != nil || second.KeyID != first.KeyID {
		t.Errorf("key %s, then %s, error %v", first.KeyID, second.KeyID, err)
	}
	clientKey(t, filepath.Join(dir, "operator-bayern.json"))
	for _, id := range []string{"", "../x", ".hidden", "a/b"} {
		if _, err := openid.EnsureClientKey(dir, id); !errors.Is(err, openid.ErrClient) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "cut.json"), []byte(`{"client_id":"cut"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openid.EnsureClientKey(dir, "cut"); !errors.Is(err, openid.ErrKeyFile) {
		t.Errorf("a cut file: %v", err)
	}
}

func TestAConfigThatDoesNotHoldIsRefused(t *testing.T) {
	t.Parallel()
	base := setup(t).config
	tests := map[string]struct {
		change func(*openid.Config)
		want   error
	}{
		"public issuer":       {func(c *openid.Config) { c.Issuer = "https://login.example/oidc" }, openid.ErrPublicIssuer},
		"looks like loopback": {func(c *openid.Config) { c.Issuer = "http://127.0.0.1.example/oidc" }, openid.ErrPublicIssuer},
		"no path":             {func(c *openid.Config) { c.Issuer = "http://127.0.0.1" }, openid.ErrIssuer},
		"final slash":         {func(c *openid.Config) { c.Issuer += "/" }, openid.ErrIssuer},
		"no directory":        {func(c *openid.Config) { c.Dir = "" }, openid.ErrDir},
		"client twice":        {func(c *openid.Config) { c.Clients = append(c.Clients[:1:1], c.Clients[0]) }, openid.ErrClient},
		"client as audience":  {func(c *openid.Config) { c.Clients = []openid.Client{{ID: openid.Audience}} }, openid.ErrClient},
		"client as person":    {func(c *openid.Config) { c.Clients = []openid.Client{{ID: "worker-muenchen"}} }, openid.ErrPerson},
		"relative redirect":   {func(c *openid.Config) { c.Clients = []openid.Client{{ID: "x", RedirectURIs: []string{"/callback"}}} }, openid.ErrClient},
		"plain password":      {func(c *openid.Config) { c.People = []openid.Person{{ID: "x", PasswordHash: "secret"}} }, openid.ErrPerson},
	}
	for name, tt := range tests {
		cfg := base
		tt.change(&cfg)
		if _, err := openid.New(cfg); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	public := base
	public.Issuer, public.AllowPublicIssuer, public.Dir = "https://login.example/oidc", true, t.TempDir()
	log := &bytes.Buffer{}
	public.Logger = slog.New(slog.NewJSONHandler(log, nil))
	if p := open(t, public); p.Pattern() != "/oidc/" || !strings.Contains(log.String(), "EMBEDDED OPENID PROVIDER") {
		t.Errorf("pattern %s, log %s", p.Pattern(), log)
	}
}
