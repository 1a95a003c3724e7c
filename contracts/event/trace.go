package event

import "context"

type traceKey struct{}

// WithTraceParent returns a context whose events carry the W3C trace context tp as their origin.
func WithTraceParent(ctx context.Context, tp string) context.Context {
	return context.WithValue(ctx, traceKey{}, tp)
}

// TraceParent is the W3C trace context of ctx; empty when there is none.
func TraceParent(ctx context.Context) string {
	tp, _ := ctx.Value(traceKey{}).(string)
	return tp
}
