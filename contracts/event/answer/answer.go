package answer

import (
	"embed"
	"regexp"
	"strings"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// Types of answers.
const (
	TypeCompleted = "de.efa.answer.completed.v1"
	TypeReturned  = "de.efa.answer.returned.v1"
	TypeAccepted  = "de.efa.answer.accepted.v1"
	TypeRejected  = "de.efa.answer.rejected.v1"
)

// ExtOperator is the extension that names the operator who is meant.
const ExtOperator = "operator"

// Extensions lists the extensions that an answer may carry beside its seal; only ExtOperator is required.
func Extensions() []string {
	return []string{ExtOperator, event.ExtPartitionKey, event.ExtTraceParent, "tracestate"}
}

// Completed is the data of a task's outcome.
type Completed struct {
	Task string `json:"task_id"`
	// Outcome is one of those that the task lists.
	Outcome string `json:"outcome"`
	// Facts are facts that the task lets come with an outcome. May be empty.
	Facts fact.Values `json:"facts,omitempty"`
	// Contents are documents that the authority's system stored before over HTTP. May be empty.
	Contents []Document `json:"contents,omitempty"`
}

// Document names stored content.
type Document struct {
	Content content.ID `json:"content_id"`
}

// Returned is the data of the answer that the authority is not competent.
type Returned struct {
	Task string `json:"task_id"`
}

// Accepted is the data of a delivery that the authority could read.
type Accepted struct {
	Delivery string `json:"delivery_id"`
}

// Rejected is the data of a delivery that the authority could not read.
type Rejected struct {
	Delivery string             `json:"delivery_id"`
	Reason   delivery.Rejection `json:"reason"`
}

// Types is the catalogue of answers.
func Types() []event.Type {
	return []event.Type{
		{Name: TypeCompleted, Meaning: "The holder of a task says its outcome.", Data: Completed{}},
		{Name: TypeReturned, Meaning: "The holder of a task says that it is not competent.", Data: Returned{}},
		{Name: TypeAccepted, Meaning: "An authority could read what was delivered.", Data: Accepted{}},
		{Name: TypeRejected, Meaning: "An authority could not read what was delivered.", Data: Rejected{}},
	}
}

//go:generate go test . -run TestGeneratedSchemasAreCurrent -update

//go:embed schemas/*.json
var schemas embed.FS

// Schema is the JSON Schema (2020-12) of the data of an answer; false for a type that is none.
func Schema(name string) ([]byte, bool) {
	for _, t := range Types() {
		if t.Name == name {
			raw, err := schemas.ReadFile("schemas/" + name + ".json")
			return raw, err == nil
		}
	}
	return nil, false
}

const (
	sourcePrefix = "urn:efa:authority:"
	outboxPrefix = "efa.outbox."
)

// Source is the source of the answers of an authority.
func Source(a authority.ID) string { return sourcePrefix + string(a) }

// ClockTopic is the topic by which the broker reads the clock that stamps the answers of authorities. Its records say nothing.
const ClockTopic = "efa.clock"

// Topic is the topic to which an authority writes its answers, and nobody else.
func Topic(a authority.ID) string { return outboxPrefix + string(a) }

// Sender is the authority that writes to a topic; false for every other topic.
func Sender(topic string) (authority.ID, bool) {
	name, ok := strings.CutPrefix(topic, outboxPrefix)
	id, err := authority.ParseID(name)
	return id, ok && err == nil
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9._:/-]{8,128}$`)

// ValidID tells whether an id has the form that an answer needs; it is kept, so it must not be able to hold a sentence.
func ValidID(id string) bool { return idForm.MatchString(id) }
