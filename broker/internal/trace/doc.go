// Package trace makes the spans of the broker and exports them over OTLP/HTTP; home of the OpenTelemetry SDK.
//
// The trace context itself (W3C) is a string in the context of a call (event.TraceParent): rooms that make no spans hand
// it on without knowing this package, in the row and the headers of an event, in the headers of the process engine, in
// an inbox item. Whoever makes a span continues what stands there and puts its own in its place. So all that follows from
// a request is one trace, also over months and restarts:
//
//	span              made by            follows                    carried on by
//	----------------  -----------------  -------------------------  ----------------------------------------------------
//	request.serve     httpserver         the caller's traceparent   the row of every event that the request appends
//	event.publish     relay              the event's row            the record's header traceparent (hop)
//	event.hand_over   starter            the hop                    the signal, the header of the process and of activities
//	case.load … move  cmd (the ports)    the last applied event     the row of every event that the step appends
//	event.deliver     delivery           the hop                    the inbox item
//	item.handle       the back office    the inbox item             the header traceparent of every request about the item
//	disclosure.decide release            the request or the step    –
//	content.filter    release            the request                –
//
// What a process applies after a rebuild it reads from the ledger, where the event's row is the context to follow.
//
// A span holds no content (DESIGN law 1): its name is one of a closed list, so are the keys of its attributes, and a value
// that is no code, id or number is left out. An error is the word of its kind, never its text. Baggage and tracestate are
// neither read nor sent.
//
// A nil *Tracer is tracing switched off: it makes nothing, and the context that a caller sent goes on as it came.
package trace
