package trace

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/codes"
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
	// What stands in ctx as a string counts, and no span of somebody else's instrumentation.
	parent := oteltrace.ContextWithSpanContext(ctx, parse(event.TraceParent(ctx)))
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

// parse reads a W3C trace context of version 00, which is what the door lets in; anything else is the invalid one.
func parse(traceParent string) oteltrace.SpanContext {
	parts := strings.Split(traceParent, "-")
	if len(parts) != 4 || parts[0] != version {
		return oteltrace.SpanContext{}
	}
	traceID, err1 := oteltrace.TraceIDFromHex(parts[1])
	spanID, err2 := oteltrace.SpanIDFromHex(parts[2])
	flags, err3 := strconv.ParseUint(parts[3], 16, 8)
	if errors.Join(err1, err2, err3) != nil || len(parts[3]) != 2 {
		return oteltrace.SpanContext{}
	}
	return oteltrace.NewSpanContext(oteltrace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: oteltrace.TraceFlags(flags) & oteltrace.FlagsSampled, Remote: true,
	})
}

// version is that of the trace contexts that the broker writes.
const version = "00"

// format writes a W3C trace context without its state. It is empty for an invalid one.
func format(c oteltrace.SpanContext) string {
	if !c.IsValid() {
		return ""
	}
	return version + "-" + c.TraceID().String() + "-" + c.SpanID().String() + "-" + (c.TraceFlags() & oteltrace.FlagsSampled).String()
}
