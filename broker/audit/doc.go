// Package audit records refusals: requests that never reached the ledger. It owns the table audit_lines, whose rows hold
// who was recognised, the operation, the kind of refusal and the error id that the caller was told; no content, no
// identifier of a person, no path, no address.
//
// Decision: a refusal that cannot be recorded is not given. Refused returns an error of kind Unavailable when the line
// is not durable within the time limit, and the server answers 503 in its place: an attacker who can make the disk fail
// must not become invisible (fail closed, no grace period; as for decisions, DESIGN law 4).
//
// Refusals are cheap to provoke, so they must not starve the ledger of its writing connection: lines that arrive while
// one transaction commits wait together and go into the next one; never more than one transaction is under way, and
// beyond a bound of waiting lines the caller is refused at once. Evidence of accepted events is not kept here but in
// the ledger's receipts.
package audit
