// Package relay carries committed events from the ledger's outbox to efa.cases. It is the only writer of that topic
// (DESIGN law 2).
//
//	outbox row     next        moved by
//	unpublished    published   the shard's lease holder, after the broker acknowledged the record
//
// Rows are found as "unpublished", per case in case_seq order, never by a high-water mark: under concurrent commits a
// sequence is not commit order (decision 3). Every error of the event log means "unknown", so a record may be published
// twice; consumers drop repeated sequences. The relay knows no event type.
package relay
