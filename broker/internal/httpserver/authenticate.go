package httpserver

import (
	"net/http"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
)

// maxBearer bounds a token before anybody parses it, in bytes.
const maxBearer = 8 << 10

// authenticate lets only recognised callers through and puts the viewer into the context.
func (g *gate) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := bearer(r.Header)
		if err != nil {
			g.errors.Response(w, r, err)
			return
		}
		viewer, err := g.cfg.Authenticator.Authenticate(r.Context(), token)
		if err != nil {
			g.errors.Response(w, r, err)
			return
		}
		exchangeOf(r.Context()).principal = viewer.ID
		next.ServeHTTP(w, r.WithContext(WithViewer(r.Context(), viewer)))
	})
}

// bearer reads the token of RFC 6750 § 2.1; the other two ways of that norm are not spoken here.
func bearer(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return "", contracts.Errorf(contracts.Unauthenticated, "read token", "want one Authorization header, got %d", len(values))
	}
	scheme, token, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxBearer || strings.ContainsAny(token, " \t,") {
		return "", contracts.Errorf(contracts.Unauthenticated, "read token", "no bearer token")
	}
	return token, nil
}
