// Package httpserver is the one door of the HTTP API. It owns what happens around a handler: recognising the caller,
// refusing what is not the contract, answering errors, counting and recording refusals. It must not know what any
// operation means: the OpenAPI document says which operations exist, the domains mount their handlers.
//
// A request goes through these stations; each refusal ends the way:
//
//	station         refuses with                    what it does
//	--------------  ------------------------------  --------------------------------------------------------------
//	begin           500 after a panic               error id, trace context, security headers, metrics, one audit line per 4xx
//	route           404 not_found, 405 invalid      the operations of the OpenAPI document, probes, open routes
//	authenticate    401 unauthenticated             bearer token → actor.Viewer in the context
//	body            413, 415, 400                   limits, media types, strict JSON (RFC 8259, I-JSON RFC 7493)
//	receive         503 unavailable                 the time of receipt, for what brings something; in hand from here
//	validate        400 invalid                     parameters and body against the document, all faults at once
//	handler         by contracts.KindOf             the generated strict handler of the domain
//
// Invariants, each with a test: an answer never repeats a value that the caller sent; the cause of an error is in the
// log only, found by its error id; a 4xx leaves only after its audit line is durable, else the answer is 503 (fail
// closed: what cannot be recorded is not even refused); no metric label holds an id; a caller who went away is logged as
// information, not as a fault.
//
// Trace context (W3C): a valid traceparent of the caller goes on, else a new one begins; the events of the request carry
// it, the log lines its trace_id.
package httpserver
