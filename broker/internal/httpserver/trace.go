package httpserver

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver/openapi"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// traceOf is the W3C trace context of a request: the caller's where its traceparent header holds one, else one that
// begins here, which the last result tells. The first comes with its trace id, which is what log lines carry.
//
// The header is a caller's text and goes into events, so nothing but hexadecimal digits in their places is taken. A header
// of a later version is read as version 00, whose members come first in every version.
func traceOf(h http.Header) (parent, traceID string, began bool) {
	if values := h.Values("Traceparent"); len(values) == 1 {
		if parent, traceID, ok := parseTraceParent(values[0]); ok {
			return parent, traceID, false
		}
	}
	var random [24]byte
	_, _ = rand.Read(random[:]) // it never fails
	traceID = hex.EncodeToString(random[:16])
	return "00-" + traceID + "-" + hex.EncodeToString(random[16:]) + "-00", traceID, true
}

// traced makes a span of a request of the API. A trace that begins here begins with the span; else the span goes on with
// the caller's, unless the caller asks not to be sampled.
func (g *gate) traced(op *openapi.Operation, next http.Handler) http.Handler {
	if !g.cfg.Tracer.On() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, x := r.Context(), exchangeOf(r.Context())
		if x.began {
			ctx = event.WithTraceParent(ctx, "")
		}
		ctx, span := g.cfg.Tracer.Start(ctx, trace.RequestServe, trace.Operation(op.ID))
		_, x.traceID, _ = parseTraceParent(event.TraceParent(ctx))
		defer func() {
			if rec, ok := w.(*recorder); ok {
				span.Note(trace.Status(rec.answered()), trace.Outcome(x.kind))
			}
			span.End(nil)
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// parseTraceParent reads "version-traceid-parentid-flags" (W3C Trace Context § 3.2.2).
func parseTraceParent(s string) (parent, traceID string, ok bool) {
	const length = 2 + 1 + 32 + 1 + 16 + 1 + 2
	if len(s) < length || len(s) > length && (s[:2] == "00" || s[length] != '-') {
		return "", "", false
	}
	parts := strings.Split(s[:length], "-")
	if len(parts) != 4 || parts[0] == "ff" || blank(parts[1]) || blank(parts[2]) {
		return "", "", false
	}
	for i, width := range []int{2, 32, 16, 2} {
		if len(parts[i]) != width || strings.Trim(parts[i], "0123456789abcdef") != "" {
			return "", "", false
		}
	}
	return "00-" + strings.Join(parts[1:], "-"), parts[1], true
}

// blank is an id of zeros, which the norm calls invalid.
func blank(id string) bool { return strings.Trim(id, "0") == "" }
