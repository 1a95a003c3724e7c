package permit

import (
	"context"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// headerTrace is the name of the trace context in the headers of workflows, signals and activities.
const headerTrace = "traceparent"

// traceHeader carries the trace context (W3C) of a call into the headers of the engine and back into the call. A header is
// no part of a command, so old histories, which have none, replay.
//
// A process lives for months and a rebuilt one gets no signals. So what an activity continues is not the context with
// which the run was started but that of the last applied event, which the event itself brings (walk.traced).
type traceHeader struct{}

var _ workflow.ContextPropagator = traceHeader{}

type traceKey struct{}

// Inject writes the context of a call to the engine.
func (traceHeader) Inject(ctx context.Context, w workflow.HeaderWriter) error {
	return writeTrace(w, event.TraceParent(ctx))
}

// Extract gives an activity the context of its header.
func (traceHeader) Extract(ctx context.Context, r workflow.HeaderReader) (context.Context, error) {
	if tp := readTrace(r); tp != "" {
		return event.WithTraceParent(ctx, tp), nil
	}
	return ctx, nil
}

// InjectFromWorkflow writes the context that a workflow set with withTrace, or was started with.
func (traceHeader) InjectFromWorkflow(ctx workflow.Context, w workflow.HeaderWriter) error {
	tp, _ := ctx.Value(traceKey{}).(string)
	return writeTrace(w, tp)
}

// ExtractToWorkflow gives a workflow the context with which it was started.
func (traceHeader) ExtractToWorkflow(ctx workflow.Context, r workflow.HeaderReader) (workflow.Context, error) {
	return withTrace(ctx, readTrace(r)), nil
}

func writeTrace(w workflow.HeaderWriter, tp string) error {
	if tp == "" {
		return nil
	}
	payload, err := converter.GetDefaultDataConverter().ToPayload(tp)
	if err == nil {
		w.Set(headerTrace, payload)
	}
	return err
}

// readTrace is empty for a header that is missing or unreadable: a trace is no reason to stop a case.
func readTrace(r workflow.HeaderReader) (tp string) {
	payload, ok := r.Get(headerTrace)
	if !ok || converter.GetDefaultDataConverter().FromPayload(payload, &tp) != nil {
		return ""
	}
	return tp
}

func withTrace(ctx workflow.Context, tp string) workflow.Context {
	if tp == "" {
		return ctx
	}
	return workflow.WithValue(ctx, traceKey{}, tp)
}

// heard keeps the trace context with which a signal brought an event. It stands nearer to what follows than the context
// that the ledger keeps of the event, and is gone after a rebuild.
func (w *walk) heard(e engine.Event) {
	if e.TraceParent != "" {
		w.traces[e.EngineSeq] = e.TraceParent
	}
}

// traced lets what is done under ctx continue the trace of the last applied event.
func (w *walk) traced(ctx workflow.Context) workflow.Context {
	return withTrace(ctx, w.traces[w.inbox.applied])
}
