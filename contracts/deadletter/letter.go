package deadletter

import (
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// State is what has become of a letter.
type State string

// The states; the package comment says what each means.
const (
	Parked  State = "parked"
	Dead    State = "dead"
	Refused State = "refused"
	Resent  State = "resent"
)

// Stops reports whether a letter in this state stops its case.
func (s State) Stops() bool { return s == Parked || s == Dead }

// Reason says why something was put aside.
type Reason string

const (
	// Undecodable is a record that is no event.
	Undecodable Reason = "undecodable"
	// UnknownVersion is a record in a version of CloudEvents or a media type that this program does not speak.
	UnknownVersion Reason = "unknown_version"
	// UnknownType is an event of the ledger whose type this program does not know.
	UnknownType Reason = "unknown_type"
	// NotInLedger is an event that the ledger does not hold.
	NotInLedger Reason = "not_in_ledger"
	// DiffersFromLedger is an event that the ledger holds otherwise.
	DiffersFromLedger Reason = "differs_from_ledger"
	// Panic is an event whose handler broke down.
	Panic Reason = "panic"
)

// ReasonOf is the reason for an error that a handler answered: its kind.
func ReasonOf(k contracts.Kind) Reason { return Reason(k.String()) }

// Letter is what was put aside.
type Letter struct {
	ID     string `json:"letter_id"`
	State  State  `json:"state"`
	Reason Reason `json:"reason"`
	// Consumer could not handle the event; empty when the record reached nobody, and then it stops every consumer.
	Consumer string `json:"consumer,omitempty"`
	// Case, CaseSeq, Event and Type are those of the ledger; empty when the record is none of its events.
	Case    string `json:"case_id,omitempty"`
	CaseSeq int64  `json:"case_seq,omitempty"`
	Event   string `json:"event_id,omitempty"`
	Type    string `json:"type,omitempty"`
	Topic   string `json:"topic"`
	// Partition and Offset are where the record lies; nil when an event was put aside by its consumer.
	Partition *int   `json:"partition,omitempty"`
	Offset    *int64 `json:"offset,omitempty"`
	// Size and Digest (SHA-256, hex) are those of the record's value.
	Size   int64  `json:"size"`
	Digest string `json:"digest"`
	// SpecVersion and MediaType are those that the record claims, when they look like such.
	SpecVersion string `json:"spec_version,omitempty"`
	MediaType   string `json:"media_type,omitempty"`
	// Times counts how often it was put aside.
	Times    int64      `json:"times"`
	FirstAt  time.Time  `json:"first_at"`
	LastAt   time.Time  `json:"last_at"`
	ResentAt *time.Time `json:"resent_at,omitempty"`
	ResentBy string     `json:"resent_by,omitempty"`
	// ResentWhy is the reason that was given.
	ResentWhy string `json:"resent_why,omitempty"`
}
