// Package relay carries committed events from the ledger's outbox to efa.cases. It is the only writer of that topic
// (DESIGN law 2).
//
//	outbox row     next          moved by
//	unpublished    published     the shard's lease holder, after the broker acknowledged the record
//	published      unpublished   a look that found it lost (below), or Replay
//
// Rows are found as "unpublished", per case in case_seq order, never by a high-water mark: under concurrent commits a
// sequence is not commit order (decision 3). Every error of the event log means "unknown", so a record may be published
// twice; consumers drop repeated sequences. The relay knows no event type.
//
// For each shard that it takes over, and then every minute, the relay looks for published events that a consumer has not
// handled (its positions are ledger rows) although the consumer has read everything that the partition held at the look
// before: they were lost with the log or passed unhandled, and are published again. A consumer that is merely behind gets
// nothing twice, and a case that a dead letter stops is left alone.
package relay
