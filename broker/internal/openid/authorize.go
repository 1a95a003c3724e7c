package openid

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Values of the protocol.
const (
	scopeOpenID = "openid"
	acrBasic    = "basic"
)

// authorization is a checked request of a client to log somebody in.
type authorization struct {
	client      string
	redirectURI string
	state       string
	nonce       string
	challenge   string
	scope       []string
}

// grant is what a code stands for.
type grant struct {
	authorization
	person string
	at     time.Time
}

// authorize checks client and redirect URI, before which no address is trusted, then the rest, and shows the form.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q, ok := single(r.URL.RawQuery)
	client, known := p.clients[q["client_id"]]
	if !ok || !known || !slices.Contains(client.RedirectURIs, q["redirect_uri"]) {
		p.page(w, r, http.StatusBadRequest, pageData{Page: pageBadClient})
		return
	}
	a := authorization{
		client: client.ID, redirectURI: q["redirect_uri"], state: q["state"], nonce: q["nonce"],
		challenge: q["code_challenge"], scope: strings.Fields(q["scope"]),
	}
	if code := refusal(q, client, a); code != "" {
		p.redirect(w, r, a, url.Values{"error": {code}})
		return
	}
	p.page(w, r, http.StatusOK, pageData{Page: pageLogin, Login: p.logins.put(a, p.now()), Target: origin(a.redirectURI)})
}

// refusal is the error code of a request whose client and redirect URI are right; "" when all is right.
func refusal(q map[string]string, client Client, a authorization) string {
	outside := func(s string) bool { return !slices.Contains(client.Scopes, s) }
	switch {
	case q["response_type"] != "code":
		return "unsupported_response_type"
	case q["request"] != "":
		return "request_not_supported"
	case q["request_uri"] != "":
		return "request_uri_not_supported"
	case q["response_mode"] != "" && q["response_mode"] != "query":
		return "invalid_request"
	case q["code_challenge_method"] != "S256" || !isS256(a.challenge):
		return "invalid_request"
	case !slices.Contains(a.scope, scopeOpenID) || slices.ContainsFunc(a.scope, outside):
		return "invalid_scope"
	case q["prompt"] == "none":
		return "login_required"
	}
	return ""
}

// isS256 reports whether s can be a SHA-256 in base64url: 43 characters.
func isS256(s string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(raw) == 32
}

// redirect sends the browser back to the client, with state and issuer (RFC 9207).
func (p *Provider) redirect(w http.ResponseWriter, r *http.Request, a authorization, answer url.Values) {
	answer.Set("iss", p.issuer)
	if a.state != "" {
		answer.Set("state", a.state)
	}
	p.sendBack(w, r, a.redirectURI, answer)
}

// sendBack redirects to a registered address, never cached and without telling where from.
func (p *Provider) sendBack(w http.ResponseWriter, r *http.Request, registered string, answer url.Values) {
	target, err := url.Parse(registered)
	if err != nil {
		p.page(w, r, http.StatusBadRequest, pageData{Page: pageBadClient})
		return
	}
	q := target.Query()
	for k := range answer {
		q.Set(k, answer.Get(k))
	}
	target.RawQuery = q.Encode()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
}

// single parses form values of which each may stand once (RFC 6749 § 3.1).
func single(encoded string) (map[string]string, bool) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return map[string]string{}, false
	}
	out := make(map[string]string, len(values))
	for k, v := range values {
		if len(v) != 1 {
			return map[string]string{}, false
		}
		out[k] = v[0]
	}
	return out, true
}

// origin is scheme and host of a URL, for the form-action of the page's policy: browsers check redirects against it.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
