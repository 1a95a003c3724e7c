// Package openapi checks requests and answers against an OpenAPI 3.1 document, all faults at once, each with its JSON
// pointer and never with the value. kin-openapi loads and validates the document; the schemas (JSON Schema 2020-12,
// formats asserted) are compiled once, at Load, because kin-openapi compiles them anew for every request, which costs
// more than the rest of the way through the broker.
//
// It accepts the part of OpenAPI that the broker uses and refuses the rest at Load: parameters are single strings or
// integers in path or query, bodies are JSON or opaque documents. It must not know HTTP servers, users or errors' status.
package openapi
