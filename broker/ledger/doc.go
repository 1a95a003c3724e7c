// Package ledger is the record (DESIGN law 2): an event is accepted when its row is committed here. It owns the
// tables events, receipts, outbox, step_results and the sequence columns of cases; it must not know what a task, a
// delivery or a disclosure is. Domains register projectors that run inside its transaction.
//
//	Append          one transaction of the caller: dedupe on (source, id), case_seq, engine_seq, signed receipt,
//	                outbox row, projectors. The same event again changes nothing; the same id with another body is a
//	                conflict (equivocation).
//	                An event's time is that of its receipt; who was left out as a receiver appends nothing (law 3).
//	Step            what a process does: a stored result under (case, step, pass) wins; else later events win; else
//	                the effect and its result are committed together (law 3, optimistic appends).
//	Events          what the engine has missed, by engine_seq.
//	Verify          every receipt chain against its events and the signing key.
//
// Invariants, each with a test in this package: case_seq and engine_seq have no gaps; each event has exactly one
// receipt; after the end of a case events are recorded, not handed over.
package ledger
