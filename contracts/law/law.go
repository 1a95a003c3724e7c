package law

import (
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// SilenceEffect is what silence at the due instant means. It comes from the law record, never from the step.
type SilenceEffect string

const (
	// DeemedGranted means that silence counts as yes, and binds (Fiktion).
	DeemedGranted SilenceEffect = "DEEMED_GRANTED"
	// Disregardable means that the process may go on without the answer.
	Disregardable SilenceEffect = "DISREGARDABLE"
	// None means that silence says nothing; the task stays open, overdue.
	None SilenceEffect = "NONE"
)

// DeadlineRecord is a period fixed by law (domain.md § 4.1).
type DeadlineRecord struct {
	// ID names the record in a definition: "gewo-15-1".
	ID         string `yaml:"id" json:"id"`
	Instrument string `yaml:"instrument" json:"instrument"`
	// LegalBasis is the norm's text: "GewO § 15(1)".
	LegalBasis   string `yaml:"legal_basis" json:"legal_basis"`
	Jurisdiction string `yaml:"jurisdiction" json:"jurisdiction"`
	// Days is the period in days after the day of the start event (BGB §§ 187(1), 188(1)); 0 with UndueDelay.
	Days int `yaml:"days" json:"days"`
	// UndueDelay is true where the norm says "unverzüglich" and names no period; then no due instant exists.
	UndueDelay bool `yaml:"undue_delay" json:"undue_delay"`
	// StartEvent is the event from whose day the period runs: "receipt", "acknowledge".
	StartEvent    string        `yaml:"start_event" json:"start_event"`
	SilenceEffect SilenceEffect `yaml:"silence_effect" json:"silence_effect"`
	// Begins and Ends bound the record's validity: midnight in Europe/Berlin as UTC instants, Ends exclusive, zero = no
	// end.
	Begins time.Time `yaml:"begins" json:"begins"`
	Ends   time.Time `yaml:"ends" json:"ends"`
	// Mark says how certain the record is: "verified", "design", "unverified".
	Mark string `yaml:"mark" json:"mark"`
}

// Deadline is a deadline of one task.
type Deadline struct {
	// Law is the record's id.
	Law        string `json:"law"`
	LegalBasis string `json:"legal_basis"`
	// Due is the last instant of the period: the end of its last day in Europe/Berlin. Nil when the norm says "without
	// undue delay" and names no period.
	Due           *time.Time    `json:"due,omitempty"`
	SilenceEffect SilenceEffect `json:"silence_effect"`
}

// Row says that a recipient of one role may have these fields of a service's form for these purposes on one basis.
type Row struct {
	Service key.ServiceKey
	// Form is the form whose field numbers Fields uses, lower case: "gewa1".
	Form string
	// Role is the recipient's role in the process.
	Role authority.Role
	// Kind is the kind of authority that the law names; the recipient must be of it.
	Kind authority.Kind
	// Basis is the code of the legal basis: "eu-gdpr:A6-1-c".
	Basis string
	// Norm is the text of the norm: "GewAnzV § 3(1) no. 5 a; GewO § 14(8) no. 4".
	Norm         string
	Jurisdiction string
	// Begins and Ends bound the row's validity: midnight in Europe/Berlin as UTC instants, Ends exclusive, zero = no end.
	Begins, Ends time.Time
	// Conditions are facts that must have these values.
	Conditions map[string]any
	Purposes   []string
	// Fields maps field ids ("gewa1.13") to their data group.
	Fields map[string]string
	// Retain is how long the record of the disclosure is kept (ISO 8601 period).
	Retain string
	// Mark says how certain list and norm are: "verified" or "design".
	Mark string
	// Design names the columns that no source holds, so that they are design even in a verified row.
	Design []string
}
