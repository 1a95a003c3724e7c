package delivery

import (
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// State is a delivery state.
type State string

const (
	// Announced is an item that the authority can see in its inbox.
	Announced State = "announced"
	// Fetched is an item whose content was handed over at least once.
	Fetched State = "fetched"
	// Accepted is an item that the body could read.
	Accepted State = "accepted"
	// Rejected is an item that the body could not read; it goes to a person.
	Rejected State = "rejected"
)

// States lists every state.
func States() []State { return []State{Announced, Fetched, Accepted, Rejected} }

// Move checks the step from s to next. An illegal step is an error that names both states.
func (s State) Move(next State) error {
	switch {
	case s == Announced && (next == Fetched || next == Rejected),
		s == Fetched && (next == Accepted || next == Rejected):
		return nil
	}
	return fmt.Errorf("a delivery cannot go from %s to %s", s, next)
}

// Kind tells a task from an announcement.
type Kind string

const (
	// TaskItem is something to do.
	TaskItem Kind = "task"
	// AnnouncementItem is something to know: no task, no due instant, no outcome.
	AnnouncementItem Kind = "announcement"
)

// Rejection is why a body could not read an item: a closed list, no free text.
type Rejection string

// The reasons for rejecting a delivery as unreadable.
const (
	Undecodable     Rejection = "undecodable"
	SchemaViolation Rejection = "schema_violation"
	WrongRecipient  Rejection = "wrong_recipient"
	MissingContent  Rejection = "missing_content"
)

// Rejections lists every reason.
func Rejections() []Rejection {
	return []Rejection{Undecodable, SchemaViolation, WrongRecipient, MissingContent}
}

// Item is one entry of an authority's inbox. It holds references, codes and instants only.
type Item struct {
	// Cursor is opaque: "<epoch>.<inbox_seq>". The next read starts behind it.
	Cursor string `json:"cursor"`
	// ID identifies the delivery; it is the key for telling repeats.
	ID    string `json:"delivery_id"`
	Event string `json:"event_id"`
	Kind  Kind   `json:"kind"`
	Case  string `json:"case_id"`
	// Sequence counts the items of this authority in this case from 1 without gaps.
	Sequence  int64          `json:"sequence"`
	Authority authority.ID   `json:"authority"`
	Role      authority.Role `json:"role"`
	Service   key.ServiceKey `json:"service"`
	// Task is the task id of a TaskItem.
	Task     string        `json:"task_id,omitempty"`
	Outcomes []string      `json:"outcomes,omitempty"`
	Deadline *law.Deadline `json:"deadline,omitempty"`
	// Opens is the service whose submission completes the task.
	Opens key.ServiceKey `json:"opens,omitempty"`
	// Contents can be fetched for Purpose on Basis.
	Contents    []content.Ref `json:"contents"`
	Purpose     string        `json:"purpose"`
	Basis       string        `json:"basis"`
	State       State         `json:"state"`
	AnnouncedAt time.Time     `json:"announced_at"`
	// TraceParent is the W3C trace context with which requests about the item go on, in their header traceparent; empty
	// where the broker makes no traces.
	TraceParent string `json:"traceparent,omitempty"`
}
