// Package deadletter keeps poison away from the consumers of efa.cases, and keeps what was put aside (contracts/deadletter
// has the states).
//
//	Park     a record that cannot be decoded: parked when the ledger holds its event and nobody has handled it yet (a newer
//	         program published it), else refused
//	Guard    stands in front of a consumer. Each event is looked up in the ledger, and the ledger's own row is handed on: the
//	         log is transport, so a forged or altered record is refused and nothing follows from it. An event of a type that
//	         this program does not know is parked. When a handler panics, or answers an error that no repeat can change, the
//	         events of its batch are handed over one by one and the guilty one is dead.
//	Refuse   a record of an authority's own topic (package ingress): refused for the reason of its taker
//	Resend   the letter no longer stops its case, whose events are published again
//	Run      sends parked letters again once at the start, and those whose type this program knows every minute
//
//	kind of a handler's error                     then
//	unavailable                                   the batch again, for ever: the fault passes
//	internal                                      the event again, up to 5 times, then dead: a fault of the database meets
//	                                              the letter too, and then nothing is committed and the batch comes again
//	all others, a panic, data that do not decode  dead at once
//
// A letter stops one case for one consumer: its later events are dropped unhandled, because Resend publishes the whole case
// again and the consumer's position has not moved. The relay's look and the starter's sweep leave a stopped case alone.
//
// No foreign byte is kept (DESIGN law 1): of a record that is none of the ledger's only size, digest, place, and those of
// its headers that have a closed shape (allow-list in record.go). Who needs the bytes finds them in the log by the place. The
// log gets codes and ids, never the text of a panic.
package deadletter
