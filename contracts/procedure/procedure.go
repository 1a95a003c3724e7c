package procedure

import (
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// Kind is the kind of a procedure; it chooses the state machine.
type Kind string

// Notification is a notice that needs no approval (Anzeige).
const Notification Kind = "notification"

// State is a procedural state.
type State string

const (
	// Received is a case whose application the ledger holds.
	Received State = "received"
	// Acknowledged is a case whose receipt was certified (GewO § 15(1)).
	Acknowledged State = "acknowledged"
	// Closed is the end of a case; what is recorded later is not handed to the engine.
	Closed State = "closed"
)

// States lists every state.
func States() []State { return []State{Received, Acknowledged, Closed} }

// Open reports whether the process still runs.
func (s State) Open() bool { return s == Received || s == Acknowledged }

// Move checks the step from s to next in a procedure of kind k. An illegal step is an error that names both states.
func (s State) Move(k Kind, next State) error {
	if k == Notification {
		switch {
		case s == Received && (next == Acknowledged || next == Closed),
			s == Acknowledged && next == Closed:
			return nil
		}
	}
	return fmt.Errorf("a %s cannot go from %s to %s", k, s, next)
}

// Case is what a viewer may see of a case: no content, no direct identifier of a person.
type Case struct {
	ID         string               `json:"case_id"`
	Operator   authority.OperatorID `json:"operator"`
	Tenant     authority.TenantID   `json:"tenant"`
	Service    key.ServiceKey       `json:"service"`
	State      State                `json:"state"`
	Status     Status               `json:"status"`
	Lead       authority.ID         `json:"lead_authority"`
	ReceivedAt time.Time            `json:"received_at"`
	ClosedAt   *time.Time           `json:"closed_at,omitempty"`
	// ErasedAt is set when the content was erased.
	ErasedAt *time.Time `json:"erased_at,omitempty"`
	// Attention is a reason code when the process waits for a person, else empty.
	Attention string `json:"attention,omitempty"`
	// WaitingForEngine is true while the process engine has not taken over an event to which the process reacts. It passes
	// by itself, at once or when the engine is back.
	WaitingForEngine bool `json:"waiting_for_engine,omitempty"`
	// Linked are cases that this one opened or was opened by.
	Linked []string `json:"linked_cases"`
}

// Status is what a citizen sees of a case (domain.md § 3.3).
type Status string

// The six statuses of the citizen's projection.
const (
	Initiated      Status = "INITIATED"
	Submitted      Status = "SUBMITTED"
	StatusReceived Status = "RECEIVED"
	Processing     Status = "PROCESSING"
	ActionRequired Status = "ACTION_REQUIRED"
	Completed      Status = "COMPLETED"
)

// Project maps a procedural state to the citizen's status; it is total. A closed case is completed only when every
// announcement has reached its delivery row (delivered); until then it is still being processed.
func Project(s State, tasksAssigned, delivered bool) Status {
	switch s {
	case Received:
		if tasksAssigned {
			return Processing
		}
		return StatusReceived
	case Acknowledged:
		return Processing
	case Closed:
		if delivered {
			return Completed
		}
		return Processing
	}
	return Submitted
}
