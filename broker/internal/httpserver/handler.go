package httpserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver/openapi"
)

// ErrNotMounted is an operation of the OpenAPI document for which no domain mounted a handler.
var ErrNotMounted = errors.New("no handler is mounted")

// gate holds what the stations share.
type gate struct {
	cfg     Config
	errors  Errors
	doc     *openapi.Document
	metrics *metrics
	routes  *http.ServeMux
}

// Handler builds the handler of everything that the broker serves over HTTP: the operations of the OpenAPI document,
// the open routes, /livez, /readyz and /metrics. It returns an error for an incomplete config, a document that does
// not hold, and for operations without a handler (ErrNotMounted, all at once).
func Handler(ctx context.Context, cfg Config) (http.Handler, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	doc, err := openapi.Load(ctx, cfg.OpenAPI)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Registry)
	if err != nil {
		return nil, err
	}
	g := &gate{cfg: cfg, errors: Errors{Logger: cfg.Logger}, doc: doc, metrics: m, routes: http.NewServeMux()}
	if err := g.mountOperations(ctx); err != nil {
		return nil, err
	}
	for pattern, h := range cfg.Open {
		g.routes.Handle(pattern, g.open(pattern, h))
	}
	g.routes.Handle("GET /livez", named("livez", http.HandlerFunc(live)))
	g.routes.Handle("GET /readyz", named("readyz", readiness{checks: cfg.Checks, logger: cfg.Logger}))
	g.routes.Handle("GET /metrics", named("metrics", promhttp.HandlerFor(cfg.Registry, promhttp.HandlerOpts{Registry: cfg.Registry})))
	return g.begin(http.HandlerFunc(g.route)), nil
}

func (g *gate) mountOperations(ctx context.Context) error {
	var missing []error
	for _, op := range g.doc.Operations() {
		if !g.serves(op) {
			continue
		}
		if !mounted(ctx, g.cfg.API, op) {
			missing = append(missing, fmt.Errorf("operation %s (%s): %w", op.ID, op.Pattern(), ErrNotMounted))
			continue
		}
		g.routes.Handle(op.Pattern(), named(op.ID, g.traced(op, g.authenticate(g.body(op, g.receive(op, g.validate(op, g.cfg.API)))))))
	}
	return errors.Join(missing...)
}

func (g *gate) serves(op *openapi.Operation) bool {
	return len(g.cfg.Tags) == 0 || slices.ContainsFunc(op.Tags, func(t string) bool { return slices.Contains(g.cfg.Tags, t) })
}

// mounted asks the mux of the domains with a path in which every parameter is "x".
func mounted(ctx context.Context, mux *http.ServeMux, op *openapi.Operation) bool {
	segments := strings.Split(op.Path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = "x"
		}
	}
	r, err := http.NewRequestWithContext(ctx, op.Method, strings.Join(segments, "/"), http.NoBody)
	if err != nil {
		return false
	}
	_, pattern := mux.Handler(r)
	return pattern == op.Pattern()
}

// named tells the exchange which operation was reached.
func named(operation string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		exchangeOf(r.Context()).operation = operation
		next.ServeHTTP(w, r)
	})
}

// open bounds the body of a route outside of the API and leaves the rest to its handler.
func (g *gate) open(pattern string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r.Context())
		x.operation = r.Method + " " + pattern
		if !knownMethod(r.Method) {
			x.operation = pattern
		}
		r.Body = http.MaxBytesReader(w, r.Body, g.cfg.Limits.OpenBytes)
		next.ServeHTTP(w, r)
	})
}
