// Package ingress takes what authorities that speak Kafka write to their own topics efa.outbox.<authority>, with the same
// checks as the HTTP API (DESIGN laws 2, 3 and 5, decision 4). It owns how a record is checked, dealt with once, and when it
// was received; it must not know what an answer does, nor which event log it reads.
//
//	check                                             refused as (dead letter without a byte of it, and an audit line)
//	------------------------------------------------  -----------------------------------------------------------------
//	a CloudEvent that every reader reads alike        too_large, not_an_event, both_modes, … (contracts/cloudevent)
//	source is the authority whose topic it is         source_forged
//	an id that can hold no sentence, no dataschema    attribute
//	not yet taken: the same again changes nothing     equivocation, for another body under the same id
//	sealed as a whole by a key of that authority      seal_…, key_…, extension_not_sealed, altered (contracts/cloudevent/seal)
//	operator is this one, no extension besides ours   extension_missing, extension_unknown, operator_differs
//	a type of contracts/event/answer                  unknown_type, unknown_version
//	data that are strict JSON and fit the schema      unsupported_format, not_strict_json, schema
//	the key's machine client may still speak          sender_unknown
//	the access policy, the task's own row             the kind of the error: not_found, conflict, invalid …
//
// Topic and ACL are a second check and never the only one. A case, task or delivery of somebody else is not_found, like one
// that does not exist. An unknown version is refused here and not parked: only our own relay may be ahead of us.
//
//	state of a record      next
//	read                   dealt with: the answer's rows, or the refusal, together with the position in one transaction
//	                       read again: a passing fault (unavailable), or a fault of the broker itself up to 5 times
//
// One replica reads a topic at a time, under a lease whose epoch every transaction checks. Positions are rows of the ledger's
// database; the event log is told nothing. A position that the log does not hold, or that another record has, means that the
// log was lost: its topic is read from the beginning, and what was taken before is a repeat.
//
// Receipt (law 3) is the time of reading. A record that is read after its task's due instant D was in time when the event log
// had appended it before D + 1 ms; its receipt is D then. So a deadline of an authority waits until the topic was read as
// far as the log had come at D + 1 ms, which is the partition's row in package watermark. A log that stamps nothing (the
// embedded one) knows no append time: there the time of reading stands.
//
// Append times count as long as the log's clock is right. Whoever reads a topic asks every broker that stamps answers for its
// clock every two seconds, by the stamp of a record in efa.clock, of which it has to lead a partition:
//
//	state of the clock  next
//	unknown             good, or off: no topic is read, no watermark moves, the replica is not ready, deadlines wait
//	good                off: when a broker is more than a second off the database's clock for certain;
//	                    unknown: when a broker that stamps answers has not told well enough for ten seconds
//	off                 good: topics are read on from their positions
//
// What the log stamped while its clock was off keeps that stamp: nobody knows a better one.
package ingress
