package httpserver

import (
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
)

// noRoute is the operation and the metric label of a request that reaches nothing.
const noRoute = "none"

// route sends a request to its operation. An unknown path and a wrong method are refused here, before anything else is
// read; http.ServeMux would answer them in plain text, and a path that is not clean with a redirect.
func (g *gate) route(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r.Context())
	x.route, x.operation = noRoute, noRoute
	if !clean(r.URL.Path) {
		g.errors.Response(w, r, contracts.Errorf(contracts.NotFound, "route request", "path is not clean"))
		return
	}
	h, pattern := g.routes.Handler(r)
	if pattern == "" {
		g.refuseRoute(w, r, h)
		return
	}
	x.route = template(pattern)
	g.routes.ServeHTTP(w, r)
}

// refuseRoute asks the mux's own refusal whether only the method is wrong.
func (g *gate) refuseRoute(w http.ResponseWriter, r *http.Request, refusal http.Handler) {
	var seen silentWriter
	refusal.ServeHTTP(&seen, r)
	if seen.status != http.StatusMethodNotAllowed {
		g.errors.Response(w, r, contracts.Errorf(contracts.NotFound, "route request", "no such path"))
		return
	}
	g.errors.methodNotAllowed(w, r, seen.Header().Get("Allow"))
}

func clean(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	c := path.Clean(p)
	return p == c || p == c+"/"
}

// template is the path of a pattern, without its method.
func template(pattern string) string {
	if _, p, found := strings.Cut(pattern, " "); found {
		return p
	}
	return pattern
}

func knownMethod(m string) bool {
	return slices.Contains([]string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}, m)
}

// silentWriter keeps status and headers and drops the body.
type silentWriter struct {
	header http.Header
	status int
}

func (s *silentWriter) Header() http.Header {
	if s.header == nil {
		s.header = http.Header{}
	}
	return s.header
}

func (s *silentWriter) Write(p []byte) (int, error) { return len(p), nil }

func (s *silentWriter) WriteHeader(status int) { s.status = status }
