package openid_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/efa-broker/efa-broker/broker/internal/openid"
)

// FuzzNoChangedAssertionGetsAToken uses up a good assertion first; whatever is made of it afterwards, in the assertion or
// in the form around it, gets no token.
func FuzzNoChangedAssertionGetsAToken(f *testing.F) {
	dir := f.TempDir()
	const client, issuer = "gewerbeamt-muenchen", "http://127.0.0.1:9/oidc"
	public, err := openid.EnsureClientKey(filepath.Join(dir, "clients"), client)
	if err != nil {
		f.Fatal(err)
	}
	provider, err := openid.New(openid.Config{Dir: filepath.Join(dir, "openid"), Issuer: issuer, Clients: []openid.Client{{ID: client, Key: public}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := provider.Close(); err != nil {
			f.Error(err)
		}
	})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: privateKey(f, filepath.Join(dir, "clients", client+".json"))}, nil)
	if err != nil {
		f.Fatal(err)
	}
	good, err := jwt.Signed(signer).Claims(map[string]any{"iss": client, "sub": client, "aud": issuer, "exp": time.Now().Add(4 * time.Minute).Unix(), "jti": "once"}).Serialize()
	if err != nil {
		f.Fatal(err)
	}
	ask := func(form string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, issuer+"/token", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		provider.Handler().ServeHTTP(w, r)
		return w
	}
	if w := ask(machineForm(good).Encode()); w.Code != http.StatusOK {
		f.Fatalf("the good one: %d %s", w.Code, w.Body)
	}
	parts := strings.Split(good, ".")
	header := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for _, seed := range []string{
		good, parts[0] + "." + parts[1] + ".", header(`{"alg":"none"}`) + "." + parts[1] + ".", header(`{"alg":"ES256","crit":["exp"]}`) + "." + parts[1] + "." + parts[2],
		header(`{"alg":"ES256","jwk":{}}`) + "." + parts[1] + "." + parts[2], parts[0] + ".." + parts[2], "..", "", "x.y.z",
		`{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
	} {
		f.Add(seed, "")
	}
	f.Add(good, "&client_assertion="+url.QueryEscape(good))
	f.Add(good, "&client_id=other&%zz")
	f.Fuzz(func(t *testing.T, assertion, more string) {
		w := ask(machineForm(assertion).Encode() + more)
		var answer struct {
			Error string `json:"error"`
			Token string `json:"access_token"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Error == "" || answer.Token != "" || w.Code != 400 && w.Code != 401 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func privateKey(f *testing.F, path string) jose.JSONWebKey {
	f.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Key jose.JSONWebKey `json:"key"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		f.Fatal(err)
	}
	return file.Key
}
