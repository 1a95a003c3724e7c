package httpservertest

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver/openapi"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/api"
)

// Tokens recognises callers by fixed bearer tokens.
type Tokens map[string]actor.Viewer

// Authenticate returns the viewer of a token, Unauthenticated for any other.
func (t Tokens) Authenticate(_ context.Context, bearer string) (actor.Viewer, error) {
	v, ok := t[bearer]
	if !ok {
		return actor.Viewer{}, contracts.Errorf(contracts.Unauthenticated, "authenticate", "unknown token")
	}
	return v, nil
}

// Audit keeps audit lines in memory.
type Audit struct {
	// Fault is returned in place of recording when it is not nil.
	Fault error

	mu    sync.Mutex
	lines []httpserver.AuditLine
}

// Refused keeps the line.
func (a *Audit) Refused(_ context.Context, line httpserver.AuditLine) error {
	if a.Fault != nil {
		return a.Fault
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lines = append(a.lines, line)
	return nil
}

// Lines are the lines so far.
func (a *Audit) Lines() []httpserver.AuditLine {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.lines)
}

// Config says what Serve serves.
type Config struct {
	// API has the routes of the domain under test.
	API *http.ServeMux
	// Tags are the domain's tags of the OpenAPI document.
	Tags []string
	// Tokens are the callers.
	Tokens Tokens
	// Audit records refusals. Defaults to a fresh one.
	Audit httpserver.Audit
}

// Serve runs the domain behind the whole chain on loopback until the test ends; every answer is checked.
func Serve(t *testing.T, cfg Config) *httptest.Server {
	t.Helper()
	if cfg.Audit == nil {
		cfg.Audit = &Audit{}
	}
	h, err := httpserver.Handler(t.Context(), httpserver.Config{API: cfg.API, Tags: cfg.Tags, Authenticator: cfg.Tokens, Audit: cfg.Audit})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(Check(t, h))
	t.Cleanup(s.Close)
	return s
}

// Check wraps a handler: every answer to an operation of the OpenAPI document must be one that the document allows,
// else the test fails.
func Check(tb testing.TB, next http.Handler) http.Handler {
	tb.Helper()
	doc, err := openapi.Load(tb.Context(), api.OpenAPI)
	if err != nil {
		tb.Fatal(err)
	}
	find := http.NewServeMux()
	for _, o := range doc.Operations() {
		find.Handle(o.Pattern(), http.NotFoundHandler())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := find.Handler(r)
		kept := &keeper{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(kept, r)
		if op := doc.Operation(pattern); op != nil && r.Method != http.MethodHead {
			if err := op.CheckResponse(kept.status, w.Header().Get("Content-Type"), kept.body.Bytes()); err != nil {
				tb.Error(err)
			}
		}
	})
}

// keeper keeps a copy of what is answered.
type keeper struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader keeps the status.
func (k *keeper) WriteHeader(status int) {
	k.status = status
	k.ResponseWriter.WriteHeader(status)
}

// Write keeps the body.
func (k *keeper) Write(p []byte) (int, error) {
	k.body.Write(p)
	return k.ResponseWriter.Write(p) //nolint:wrapcheck // a writer hands on the writer's error
}

// Unwrap lets http.ResponseController reach the connection.
func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }
