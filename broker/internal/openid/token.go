package openid

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// Grant types.
const (
	grantCode   = "authorization_code"
	grantClient = "client_credentials"
)

// protocolError is an error of RFC 6749 § 5.2. The description says nothing that helps to guess.
type protocolError struct {
	status      int
	code        string
	description string
}

func (e *protocolError) Error() string { return e.code + ": " + e.description }

func badRequest(code, description string) *protocolError {
	return &protocolError{http.StatusBadRequest, code, description}
}

func badClient(description string) *protocolError {
	return &protocolError{http.StatusUnauthorized, "invalid_client", description}
}

// tokenAnswer is the answer of RFC 6749 § 5.1.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string `json:"scope,omitempty"`
	IDToken     string `json:"id_token,omitempty"`
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	form, ok := readForm(r)
	if !ok {
		writeProtocolError(w, badRequest("invalid_request", "want one urlencoded form, each field once"))
		return
	}
	// The code is used up by its first presentation, before anything else is looked at: also by a wrong client and by
	// a client that tries another way of authentication first.
	var g grant
	var valid bool
	if form["grant_type"] == grantCode {
		g, valid = p.codes.take(form["code"], p.now())
	}
	client, refused := p.clientOf(r, form)
	if refused != nil {
		p.logger.InfoContext(r.Context(), "client refused", "reason", refused.description)
		writeProtocolError(w, refused)
		return
	}
	var answer tokenAnswer
	var err *protocolError
	switch form["grant_type"] {
	case grantCode:
		answer, err = p.exchange(client, form, g, valid)
	case grantClient:
		answer, err = p.machine(client, form["scope"])
	default:
		err = badRequest("unsupported_grant_type", "want authorization_code or client_credentials")
	}
	if err != nil {
		writeProtocolError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// exchange turns a code into tokens when it belongs to this client, address and verifier.
func (p *Provider) exchange(client Client, form map[string]string, g grant, valid bool) (tokenAnswer, *protocolError) {
	challenge := sha256.Sum256([]byte(form["code_verifier"]))
	verified := subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(challenge[:])), []byte(g.challenge)) == 1
	if !valid || g.client != client.ID || g.redirectURI != form["redirect_uri"] || !verified {
		return tokenAnswer{}, badRequest("invalid_grant", "the code is not valid, not for this client or address, or the verifier does not match")
	}
	now := p.now()
	id, err := sign(p.signer.id, idClaims{
		Issuer: p.issuer, Subject: g.person, Audience: client.ID, Nonce: g.nonce, Name: p.people[g.person].Name, ACR: acrBasic,
		AuthTime: g.at.Unix(), IssuedAt: now.Unix(), Expiry: now.Add(TokenLifetime).Unix(),
	})
	if err != nil {
		return tokenAnswer{}, serverError()
	}
	answer, refused := p.access(g.person, client.ID, KindPerson, acrBasic, strings.Join(g.scope, " "))
	answer.IDToken = id
	return answer, refused
}

// machine gives a client a token for itself.
func (p *Provider) machine(client Client, scope string) (tokenAnswer, *protocolError) {
	if client.public() {
		return tokenAnswer{}, badRequest("unauthorized_client", "a public client gets no token for itself")
	}
	for s := range strings.FieldsSeq(scope) {
		if s == scopeOpenID || !slices.Contains(client.Scopes, s) {
			return tokenAnswer{}, badRequest("invalid_scope", "a scope is not registered for this client")
		}
	}
	return p.access(client.ID, client.ID, KindMachine, "", scope)
}

func (p *Provider) access(subject, client, kind, acr, scope string) (tokenAnswer, *protocolError) {
	now := p.now()
	token, err := sign(p.signer.access, accessClaims{
		Issuer: p.issuer, Subject: subject, Audience: Audience, ClientID: client, Kind: kind, ACR: acr, Scope: scope,
		ID: random(), IssuedAt: now.Unix(), Expiry: now.Add(TokenLifetime).Unix(),
	})
	if err != nil {
		return tokenAnswer{}, serverError()
	}
	return tokenAnswer{AccessToken: token, TokenType: "Bearer", ExpiresIn: int(TokenLifetime.Seconds()), Scope: scope}, nil
}

func serverError() *protocolError {
	return &protocolError{http.StatusInternalServerError, "server_error", "the token cannot be signed"}
}

func writeProtocolError(w http.ResponseWriter, e *protocolError) {
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_client"`)
	}
	writeJSON(w, e.status, map[string]string{"error": e.code, "error_description": e.description})
}
