package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/efa-broker/efa-broker/contracts/api"
	"github.com/efa-broker/efa-broker/contracts/api/client/clienttest"
)

// broker answers every route of the API with a file of testdata/api, checks each request and each answer against the
// contract, and notes what was asked by whom.
type broker struct {
	url    string
	issuer *clienttest.Issuer
	router routers.Router

	mu    sync.Mutex
	asked []string
}

func newBroker(tb testing.TB) *broker {
	tb.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		tb.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		tb.Fatal(err)
	}
	b := &broker{issuer: clienttest.NewIssuer(tb), router: router}
	server := httptest.NewServer(b)
	tb.Cleanup(server.Close)
	b.url = server.URL
	return b
}

var uploaded = regexp.MustCompile(`^(PUT /v1/contents/)[0-9a-f-]{36}`)

// note keeps one request; the id that the program chose for an upload is masked.
func (b *broker) note(r *http.Request, body []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	line := uploaded.ReplaceAllString(r.Method+" "+r.URL.RequestURI(), "${1}<id>")
	b.asked = append(b.asked, strings.TrimRight(b.issuer.Who(r)+" "+line+" "+string(body), " \n"))
}

// requests lists what was asked.
func (b *broker) requests() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.asked, "\n") + "\n"
}

func (b *broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		problem(w, http.StatusBadRequest, "invalid", err.Error())
		return
	}
	if b.issuer.Who(r) == "" {
		problem(w, http.StatusUnauthorized, "unauthenticated", "the token is not known")
		return
	}
	b.note(r, body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := b.router.FindRoute(r)
	if err != nil {
		problem(w, http.StatusNotFound, "not_found", err.Error())
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error())
		return
	}
	b.answer(w, r, in, params)
}

// answer sends testdata/api/<operation>[.<id or cursor>].json; an empty variant is a problem of the kind it names.
func (b *broker) answer(w http.ResponseWriter, r *http.Request, in *openapi3filter.RequestValidationInput, params map[string]string) {
	operation := in.Route.Operation.OperationID
	variants := []string{operation}
	for _, v := range params {
		variants = append([]string{operation + "." + v}, variants...)
	}
	if after := r.URL.Query().Get("after") + r.URL.Query().Get("after_seq") + r.URL.Query().Get("after_revision"); after != "" && after != "0" {
		variants = append([]string{operation + "." + after}, variants...)
	}
	for _, name := range variants {
		raw, err := os.ReadFile(filepath.Join("testdata", "api", name+".json"))
		if err != nil {
			continue
		}
		var canned struct {
			Type   string `json:"type"`
			Status int    `json:"status"`
		}
		if json.Unmarshal(raw, &canned) == nil && strings.HasPrefix(canned.Type, "urn:efa:problem:") {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(canned.Status)
			_, _ = w.Write(raw)
			return
		}
		status := http.StatusOK
		switch operation {
		case "submitApplication", "storeContent", "startReconciliation", "replayOutbox":
			status = http.StatusCreated
		}
		out := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: in, Status: status, Header: http.Header{"Content-Type": {"application/json"}},
		}
		if err := openapi3filter.ValidateResponse(r.Context(), out.SetBodyBytes(raw)); err != nil {
			problem(w, http.StatusInternalServerError, "internal", "the canned answer breaks the contract: "+err.Error())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(raw)
		return
	}
	problem(w, http.StatusNotFound, "not_found", "there is no such thing")
}

func problem(w http.ResponseWriter, status int, kind, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "urn:efa:problem:" + kind, "title": strings.ReplaceAll(kind, "_", " "), "status": status, "detail": detail, "error_id": "e-0",
	})
}

// settle writes what a standalone broker writes into its data directory.
func settle(tb testing.TB, b *broker, data string) error {
	tb.Helper()
	clients := filepath.Join(data, "clients")
	if err := os.MkdirAll(clients, 0o700); err != nil {
		return err
	}
	for _, id := range []string{"operator-bayern", "portal-bayern", "gewerbeamt-muenchen", "gewerbeamt-nuernberg"} {
		if err := b.issuer.Client(tb, id).Save(filepath.Join(clients, id+".json")); err != nil {
			return err
		}
	}
	endpoint := fmt.Sprintf(`{"api":%q,"issuer":%q,"kafka":"127.0.0.1:1","temporal":"127.0.0.1:2","pid":1}`, b.url, b.issuer.URL)
	return os.WriteFile(filepath.Join(data, "endpoint.json"), []byte(endpoint), 0o600)
}
