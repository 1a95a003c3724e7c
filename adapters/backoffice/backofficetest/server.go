package backofficetest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/api/client/clienttest"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Server is a Broker behind the published API, and what a port needs to reach it.
type Server struct {
	*Broker
	// API is the base URL; Issuer the OpenID provider.
	API    string
	Issuer *clienttest.Issuer
	// Credentials are those of the authority's system.
	Credentials client.Credentials
}

// Serve starts a broker for one authority; it ends with the test.
func Serve(t *testing.T, id authority.ID) Server {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	s := Server{Broker: NewBroker(id), Issuer: clienttest.NewIssuer(t)}
	s.Credentials = s.Issuer.Client(t, string(id))
	h := &face{Broker: s.Broker, issuer: s.Issuer, router: router}
	server := httptest.NewServer(h.guard(h.routes()))
	t.Cleanup(server.Close)
	s.API = server.URL
	return s
}

// face speaks the API for a Broker.
type face struct {
	*Broker
	issuer *clienttest.Issuer
	router routers.Router
}

// guard lets in who has a token of the authority's system, and only what the contract allows.
func (f *face) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.issuer.Who(r) != string(f.authority) {
			problem(w, contracts.Errorf(contracts.Unauthenticated, "check token", "it names no client of this broker"))
			return
		}
		route, params, err := f.router.FindRoute(r)
		if err != nil {
			problem(w, contracts.Errorf(contracts.NotFound, "find route", "%w", err))
			return
		}
		err = openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true},
		})
		if err != nil {
			problem(w, &contracts.Error{Kind: contracts.Invalid, Op: "check request", Problems: []contracts.Problem{
				{Pointer: "", Detail: "does not follow the contract: " + err.Error()},
			}})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func status(kind contracts.Kind) int {
	switch kind {
	case contracts.Invalid, contracts.NotCompetent:
		return http.StatusUnprocessableEntity
	case contracts.Unauthenticated:
		return http.StatusUnauthorized
	case contracts.Denied:
		return http.StatusForbidden
	case contracts.NotFound:
		return http.StatusNotFound
	case contracts.Conflict:
		return http.StatusConflict
	case contracts.TooLarge:
		return http.StatusRequestEntityTooLarge
	case contracts.Unsupported:
		return http.StatusUnsupportedMediaType
	case contracts.Unavailable:
		return http.StatusServiceUnavailable
	case contracts.Internal:
	}
	return http.StatusInternalServerError
}

func problem(w http.ResponseWriter, err error) {
	kind := contracts.KindOf(err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status(kind))
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": client.ProblemType + kind.String(), "title": kind.String(), "status": status(kind),
		"detail": err.Error(), "error_id": "test", "problems": contracts.ProblemsOf(err),
	})
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		problem(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// receipt is the part of a SubmissionReceipt that a back office reads.
type receipt struct {
	Case       string    `json:"case_id"`
	Submission string    `json:"submission_id"`
	Service    string    `json:"service"`
	ReceivedAt time.Time `json:"received_at"`
	Receipt    struct{}  `json:"receipt"`
}
