// Package kafkaoutbox lets a back office answer over Kafka: backoffice.Port whose answers are sealed events on the
// authority's own topic efa.outbox.<authority> (contracts/event/answer), and whose other side stays that of another port,
// pull above all. Content is never written to a topic.
//
//	Answer, Confirm           one event each, acknowledged by all replicas of the topic
//	Next, Fetch, Store, Submit  the other port's
//
// An event is acknowledged before the broker has looked at it. A refusal reaches the operator as a dead letter and an audit
// line, and nobody else: Answer returns no Conflict. Whoever must know reads the task. The id of an event follows from what
// it answers, and it names no time, which its seal would cover: a repeat is the same event, and changes nothing.
package kafkaoutbox
