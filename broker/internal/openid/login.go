package openid

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/crypto/bcrypt"
)

// bcryptCost is the work of one comparison, the same for everybody and for a person whom nobody knows.
const bcryptCost = 10

// dummyHash is the hash of a random password that nobody knows, of bcryptCost.
const dummyHash = "$2a$10$dR70qCwV/pQ.FCgzGxmnWO5IOOZpYoh8K/qzsn2Yz3gPHaZGv48L6"

// HashPassword hashes a password for Person. It returns an error for more than 72 bytes, which bcrypt would cut.
func HashPassword(password string) (string, error) {
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcryptCost)
	if err != nil {
		return "", err //nolint:wrapcheck // bcrypt's text is the whole message
	}
	return string(h), nil
}

func isBcrypt(hash string) bool {
	cost, err := bcrypt.Cost([]byte(hash))
	return err == nil && cost == bcryptCost
}

// login compares the password and sends the browser back with a code. A wrong password shows the form again with 401.
func (p *Provider) login(w http.ResponseWriter, r *http.Request) {
	form, ok := readForm(r)
	a, pending := p.logins.get(form["login"], p.now())
	if !ok || !pending {
		p.page(w, r, http.StatusBadRequest, pageData{Page: pageLoginGone})
		return
	}
	person, matches := p.compare(r.Context(), form["person"], form["password"])
	if !matches {
		p.logger.InfoContext(r.Context(), "login refused", "client_id", a.client)
		p.page(w, r, http.StatusUnauthorized, pageData{Page: pageLogin, Login: form["login"], Wrong: true, Target: origin(a.redirectURI)})
		return
	}
	if _, first := p.logins.take(form["login"], p.now()); !first {
		p.page(w, r, http.StatusBadRequest, pageData{Page: pageLoginGone})
		return
	}
	now := p.now()
	code := p.codes.put(grant{authorization: a, person: person.ID, at: now}, now)
	p.redirect(w, r, a, url.Values{"code": {code}})
}

// compare does the same work whether or not the person exists. At most maxHashing comparisons run at a time.
func (p *Provider) compare(ctx context.Context, id, password string) (Person, bool) {
	select {
	case p.hashing <- struct{}{}:
		defer func() { <-p.hashing }()
	case <-ctx.Done():
		return Person{}, false
	}
	person, known := p.people[id]
	hash := dummyHash
	if known {
		hash = person.PasswordHash
	}
	err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
	return person, known && err == nil
}

// logout has no session to end, because the provider keeps none: it brings the browser back to a registered address of
// the client, or shows a page.
func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	q, ok := single(r.URL.RawQuery)
	target := q["post_logout_redirect_uri"]
	client, known := p.clients[q["client_id"]]
	if !ok || (target != "" && (!known || !slices.Contains(client.RedirectURIs, target))) {
		p.page(w, r, http.StatusBadRequest, pageData{Page: pageBadClient})
		return
	}
	if target == "" {
		p.page(w, r, http.StatusOK, pageData{Page: pageLoggedOut})
		return
	}
	answer := url.Values{}
	if q["state"] != "" {
		answer.Set("state", q["state"])
	}
	p.sendBack(w, r, target, answer)
}

// maxForm bounds a form, in bytes.
const maxForm = 64 << 10

// readForm reads an urlencoded form of which each field stands once.
func readForm(r *http.Request) (map[string]string, bool) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil || len(raw) > maxForm || !isForm(r.Header.Get("Content-Type")) {
		return map[string]string{}, false
	}
	return single(string(raw))
}
