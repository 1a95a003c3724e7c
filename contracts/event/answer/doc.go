// Package answer holds what an authority that speaks Kafka itself may say: the events that it writes to its own topic
// efa.outbox.<authority> (DESIGN decision 4). They are the same answers as those of the HTTP API, and they are claims: what
// the ledger records of them are its own events (contracts/event).
//
//	type                          HTTP
//	de.efa.answer.completed.v1    POST /v1/tasks/{task_id}/outcome
//	de.efa.answer.returned.v1     POST /v1/tasks/{task_id}/not-competent
//	de.efa.answer.accepted.v1     POST /v1/deliveries/{delivery_id}/accept
//	de.efa.answer.rejected.v1     POST /v1/deliveries/{delivery_id}/reject
//
// An answer is a CloudEvent 1.0 in binary or structured mode, at most 64 KiB, keyed by its case:
//
//	id               8 to 128 characters of A–Z, a–z, 0–9 and ._:/-, the sender's own; a repeat changes nothing
//	source           urn:efa:authority:<authority>
//	subject          the case
//	time             the sender's; deadlines are not decided by it
//	datacontenttype  application/json
//	operator         extension, required: the operator that is meant, so that no other broker takes the event
//	partitionkey, traceparent, tracestate  extensions that may be there; no other may
//	dssematerial, signedextattrs           the seal (contracts/cloudevent/seal); it lists every other extension
//
// The data are closed and hold no free text. JSON Schemas are generated from the Go structs:
//
//	go generate ./contracts/event/answer
package answer
