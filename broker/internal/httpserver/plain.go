package httpserver

import "net/http"

// Plain serves a handler that recognises callers itself without the broker around it: the OpenID provider as a process.
// It has the security headers and the bound of an open route, and answers /livez.
func Plain(pattern string, h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(pattern, http.MaxBytesHandler(h, Limits{}.withDefaults().OpenBytes))
	mux.HandleFunc("GET /livez", live)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		securityHeaders(w.Header())
		mux.ServeHTTP(w, r)
	})
}
