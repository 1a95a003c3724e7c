// Package eventlog is the port to the event log: topics of records in partitions, published with an acknowledgement
// and consumed by groups. The log is transport and never the record (DESIGN law 2): whatever it loses is published
// again from the ledger's outbox, and whatever it repeats is dropped by the consumer.
//
// It owns the contract (Publisher, Consumer, Log), what all implementations share (Record.Validate, Deliver, Backoff)
// and the form of an event of the ledger as a record (Encode, Decode). It must not know a broker product, a database or
// what an event means.
//
//	implementation   is for                                     keeps records
//	memlog           unit tests                                 in memory
//	kafkalog         every product path                         in the broker that it is pointed at
//	localkafka       the broker of the embedded default         in a directory; kafkalog is its client
//
// Every implementation passes eventlogtest.Run.
package eventlog
