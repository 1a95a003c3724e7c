package httpserver

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// RequestIDHeader carries the id of the exchange in every answer; in a problem it is the error_id.
const RequestIDHeader = "X-Request-Id"

// begin is the outermost station: it opens the exchange, puts the trace context into the context, sets the security headers, survives a panic, and at the end
// counts. What is refused further in passes its recorder.
func (g *gate) begin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := time.Now()
		parent, traceID, began := traceOf(r.Header)
		x := &exchange{errorID: uuid.NewString(), traceID: traceID, began: began, route: noRoute, operation: noRoute}
		r = r.WithContext(event.WithTraceParent(withExchange(r.Context(), x), parent))
		securityHeaders(w.Header())
		w.Header().Set(RequestIDHeader, x.errorID)
		rec := &recorder{ResponseWriter: w, gate: g, request: r, exchange: x}
		defer func() { g.metrics.observe(r.Method, x.route, rec.answered(), time.Since(at)) }()
		defer g.survive(rec, r)
		next.ServeHTTP(rec, r)
	})
}

// securityHeaders are for answers of an API; an open route with pages sets its own policy over them.
func securityHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
}

// survive answers a panic as a fault of the broker. The text of a panic may hold content, so only runtime errors and
// the type of anything else go to the log; once an answer has begun, only cutting the connection tells the caller.
func (g *gate) survive(rec *recorder, r *http.Request) {
	fault := recover()
	if fault == nil {
		return
	}
	if fault == http.ErrAbortHandler { //nolint:errorlint // the sentinel is compared as net/http does
		panic(fault)
	}
	cause := fmt.Sprintf("panic of type %T", fault)
	if e, ok := fault.(runtime.Error); ok {
		cause = "panic: " + e.Error()
	}
	g.cfg.Logger.ErrorContext(r.Context(), "handler panicked",
		"error_id", rec.exchange.errorID, "trace_id", rec.exchange.traceID, "operation", rec.exchange.operation, "cause", cause, "stack", string(debug.Stack()))
	if rec.status != 0 {
		panic(http.ErrAbortHandler)
	}
	g.errors.Response(rec, r, contracts.Errorf(contracts.Internal, "handle request", "%s", cause))
}
