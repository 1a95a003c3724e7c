package httpserver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
)

func TestAPlainHandlerIsBoundedAndHasTheHeaders(t *testing.T) {
	t.Parallel()
	h := httpserver.Plain("/oidc/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	}))
	for _, c := range []struct {
		method, path string
		size, want   int
	}{
		{http.MethodPost, "/oidc/token", 64 << 10, http.StatusOK},
		{http.MethodPost, "/oidc/token", 64<<10 + 1, http.StatusRequestEntityTooLarge},
		{http.MethodGet, "/livez", 0, http.StatusOK},
		{http.MethodGet, "/v1/cases", 0, http.StatusNotFound},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(strings.Repeat("x", c.size))))
		if w.Code != c.want || w.Header().Get("X-Frame-Options") != "DENY" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s with %d bytes: %d %v", c.method, c.path, c.size, w.Code, w.Header())
		}
	}
}
