package trace

import (
	"regexp"

	"go.opentelemetry.io/otel/attribute"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Name is the name of a span: noun and verb, from this list only.
type Name string

// The spans of the broker; the package comment says who makes them.
const (
	RequestServe     Name = "request.serve"
	EventPublish     Name = "event.publish"
	EventHandOver    Name = "event.hand_over"
	EventDeliver     Name = "event.deliver"
	CaseLoad         Name = "case.load"
	EventsRead       Name = "events.read"
	TaskAssign       Name = "task.assign"
	TaskExpire       Name = "task.expire"
	PartiesAnnounce  Name = "parties.announce"
	CaseMove         Name = "case.move"
	DisclosureDecide Name = "disclosure.decide"
	ContentFilter    Name = "content.filter"
	ItemHandle       Name = "item.handle"
)

// kind says on which side of which kind of call a span stands.
func (n Name) kind() oteltrace.SpanKind {
	switch n {
	case RequestServe:
		return oteltrace.SpanKindServer
	case EventPublish:
		return oteltrace.SpanKindProducer
	case EventHandOver, EventDeliver, ItemHandle:
		return oteltrace.SpanKindConsumer
	case CaseLoad, EventsRead, TaskAssign, TaskExpire, PartiesAnnounce, CaseMove, DisclosureDecide, ContentFilter:
		return oteltrace.SpanKindInternal
	}
	return oteltrace.SpanKindInternal
}

// Attribute is one fact about a span. Only the functions of this file make one, so that no other key can stand in a trace.
type Attribute struct {
	key    string
	word   string
	number int
}

// The keys of attributes.
const (
	keyEventType = "efa.event_type"
	keyCase      = "efa.case_id"
	keyStep      = "efa.step"
	keyPass      = "efa.pass"
	keyAuthority = "efa.authority_id"
	keyOutcome   = "efa.outcome"
	keyOperation = "efa.operation"
	keyCount     = "efa.count"
	keyStatus    = "http.response.status_code"
)

// EventType is the type of an event: "de.efa.task.assigned.v1".
func EventType(t string) Attribute { return Attribute{key: keyEventType, word: t} }

// Case is the id of a case.
func Case(id string) Attribute { return Attribute{key: keyCase, word: id} }

// Step is the path of a step in its definition.
func Step(path string) Attribute { return Attribute{key: keyStep, word: path} }

// Pass counts the repetitions of a step, from 1.
func Pass(n int) Attribute { return Attribute{key: keyPass, number: n} }

// Authority is the id of the authority that acts or is told.
func Authority(id string) Attribute { return Attribute{key: keyAuthority, word: id} }

// Outcome is a word from a closed list: the outcome of a decision, or the kind of an error.
func Outcome(word string) Attribute { return Attribute{key: keyOutcome, word: word} }

// Operation is the operationId of the OpenAPI document.
func Operation(id string) Attribute { return Attribute{key: keyOperation, word: id} }

// Count is how many of what the span's name says.
func Count(n int) Attribute { return Attribute{key: keyCount, number: n} }

// Status is the status of an HTTP answer.
func Status(n int) Attribute { return Attribute{key: keyStatus, number: n} }

// shape is what codes and ids of the broker look like; free text has other characters.
var shape = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,128}$`)

// told are the attributes as they are exported. A word that has not the shape of a code is left out.
func told(attributes []Attribute) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, len(attributes))
	for _, a := range attributes {
		switch a.key {
		case keyPass, keyCount, keyStatus:
			out = append(out, attribute.Int(a.key, a.number))
		default:
			if shape.MatchString(a.word) {
				out = append(out, attribute.String(a.key, a.word))
			}
		}
	}
	return out
}
