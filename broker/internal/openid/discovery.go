package openid

import (
	"encoding/json"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

// metadata is the discovery document (OpenID Connect Discovery 1.0, RFC 8414).
type metadata struct {
	Issuer                  string   `json:"issuer"`
	Authorization           string   `json:"authorization_endpoint"`
	Token                   string   `json:"token_endpoint"`
	JWKS                    string   `json:"jwks_uri"`
	EndSession              string   `json:"end_session_endpoint"`
	ResponseTypes           []string `json:"response_types_supported"`
	ResponseModes           []string `json:"response_modes_supported"`
	GrantTypes              []string `json:"grant_types_supported"`
	SubjectTypes            []string `json:"subject_types_supported"`
	IDTokenAlgorithms       []string `json:"id_token_signing_alg_values_supported"`
	Scopes                  []string `json:"scopes_supported"`
	ChallengeMethods        []string `json:"code_challenge_methods_supported"`
	TokenAuthMethods        []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgorithms     []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IssuerParameter         bool     `json:"authorization_response_iss_parameter_supported"`
	RequestParameter        bool     `json:"request_parameter_supported"`
	RequestURIParameter     bool     `json:"request_uri_parameter_supported"`
	ClaimsParameter         bool     `json:"claims_parameter_supported"`
	AuthenticationContextes []string `json:"acr_values_supported"`
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, metadata{
		Issuer: p.issuer, Authorization: p.issuer + "/authorize", Token: p.tokenEndpoint(), JWKS: p.issuer + "/jwks", EndSession: p.issuer + "/logout",
		ResponseTypes: []string{"code"}, ResponseModes: []string{"query"}, GrantTypes: []string{grantCode, grantClient},
		SubjectTypes: []string{"public"}, IDTokenAlgorithms: []string{string(jose.ES256)}, Scopes: []string{scopeOpenID},
		ChallengeMethods: []string{"S256"}, TokenAuthMethods: []string{"private_key_jwt", "none"},
		TokenAuthAlgorithms: []string{string(jose.ES256), string(jose.PS256)}, IssuerParameter: true,
		AuthenticationContextes: []string{acrBasic},
	})
}

func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{p.key.Public()}})
}

func (p *Provider) tokenEndpoint() string { return p.issuer + "/token" }

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // documents of strings and public keys are always JSON
	}
	w.Header().Set("Content-Type", "application/json")
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
