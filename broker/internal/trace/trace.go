package trace

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Tracer makes spans. It is safe for concurrent use; a nil Tracer makes none.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   oteltrace.Tracer
	log      *slog.Logger
}

// scope names the instrumentation in every exported batch.
const scope = "github.com/efa-broker/efa-broker"

// newTracer makes a tracer over a provider.
func newTracer(p *sdktrace.TracerProvider) *Tracer {
	return &Tracer{provider: p, tracer: p.Tracer(scope), log: slog.New(slog.DiscardHandler)}
}

// On tells whether spans are made.
func (t *Tracer) On() bool { return t != nil }

// Start begins a span that follows the trace context of ctx, or a new trace when there is none, and returns a context
// whose events carry the span as their origin. The caller ends the span.
func (t *Tracer) Start(ctx context.Context, name Name, attributes ...Attribute) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	// Only the string counts: a span of somebody else's instrumentation in ctx is not ours to follow.
	parent := oteltrace.ContextWithSpanContext(context.Background(), parse(event.TraceParent(ctx))) //nolint:contextcheck // only its span is read
	_, s := t.tracer.Start(parent, string(name), oteltrace.WithSpanKind(name.kind()), oteltrace.WithAttributes(told(attributes)...))
	return event.WithTraceParent(ctx, format(s.SpanContext())), Span{s}
}

// Follow is ctx with the trace context of an event: the hop by which it came, when that belongs to the trace of the event,
// else its origin. A hop is what the sender of a record wrote and so may be forged.
func (t *Tracer) Follow(ctx context.Context, e event.Recorded) context.Context {
	if t == nil {
		return ctx
	}
	origin, hop := parse(e.TraceParent), parse(e.Hop)
	if hop.IsValid() && hop.TraceID() == origin.TraceID() {
		return event.WithTraceParent(ctx, format(hop))
	}
	return event.WithTraceParent(ctx, e.TraceParent)
}

// Span is one piece of work. The zero Span is none.
type Span struct{ span oteltrace.Span }

// Note adds what became known after the start.
func (s Span) Note(attributes ...Attribute) {
	if s.span != nil {
		s.span.SetAttributes(told(attributes)...)
	}
}

// End ends the span. Of an error it keeps the word of its kind only.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil {
		word := contracts.KindOf(err).String()
		s.span.SetStatus(codes.Error, word)
		s.Note(Outcome(word))
	}
	s.span.End()
}

// header is the name of the W3C header, as the propagator asks for it.
const header = "traceparent"

// parse reads a W3C trace context; anything else is the invalid one.
func parse(traceParent string) oteltrace.SpanContext {
	if traceParent == "" {
		return oteltrace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{header: traceParent})
	return oteltrace.SpanContextFromContext(ctx)
}

// format writes a W3C trace context without its state.
func format(c oteltrace.SpanContext) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(oteltrace.ContextWithSpanContext(context.Background(), c), carrier)
	return carrier[header]
}
