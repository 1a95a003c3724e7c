package httpserver

import (
	"net/http"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver/openapi"
	"github.com/efa-broker/efa-broker/contracts"
)

// validate checks parameters and body against the document and refuses with every fault at once. What stands inside of
// an application is checked by intake against the schema of its service.
func (g *gate) validate(op *openapi.Operation, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		problems := op.CheckParameters(r)
		if p, ok := r.Context().Value(parsedKey{}).(parsed); ok {
			problems = append(problems, op.CheckBody(p.mediaType, p.value)...)
		}
		if len(problems) > 0 {
			g.errors.Response(w, r, &contracts.Error{Kind: contracts.Invalid, Op: "validate request", Problems: problems})
			return
		}
		next.ServeHTTP(w, r)
	})
}
