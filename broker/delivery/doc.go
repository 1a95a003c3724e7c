// Package delivery owns the inbox of each authority: what was announced to it, in the order of its own gap-free cursor,
// and how far each item has come. It consumes efa.cases and never waits for an endpoint; authorities poll (DESIGN law 5,
// decision 4).
//
//	delivery       next                  moved by
//	–              announced             de.efa.task.assigned.v1, de.efa.content.announced.v1 (consumer)
//	announced      fetched | rejected    first release of its content (Fetched); de.efa.delivery.rejected.v1
//	fetched        accepted | rejected   de.efa.delivery.accepted.v1, de.efa.delivery.rejected.v1
//
// None of this sets procedural state (law 6). Delivery works under a lease whose epoch is checked in every transaction; a
// row is unique on (case, case_seq, authority) and the position advances with it, so a repeat changes nothing. The
// counter of an authority is raised by the last statements of the transaction, authorities ascending, so inbox_seq has
// no gap and two replicas cannot lock each other out.
package delivery
