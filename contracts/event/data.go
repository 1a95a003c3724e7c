package event

import (
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// CaseSubmitted is the data of a case that intake accepted.
type CaseSubmitted struct {
	Service key.ServiceKey `json:"service"`
	// Package and Definition are SHA-256 digests of the resolved service package and process.
	Package    string            `json:"package"`
	Definition string            `json:"definition"`
	Procedure  procedure.Kind    `json:"procedure"`
	Lead       authority.ID      `json:"lead_authority"`
	Parties    []authority.Party `json:"parties"`
	// Facts are the facts that are not sensitive.
	Facts    fact.Values   `json:"facts"`
	Contents []content.Ref `json:"contents"`
	// OpenedBy is the task whose completion opened this case; nil for an application from outside.
	OpenedBy *Origin `json:"opened_by,omitempty"`
}

// Origin names the task of another case.
type Origin struct {
	Case string `json:"case_id"`
	Task string `json:"task_id"`
}

// CaseAcknowledged is the data of an acknowledgement of receipt, a legal act (GewO § 15(1)).
type CaseAcknowledged struct {
	Step string `json:"step"`
	Pass int    `json:"pass"`
}

// CaseClosed is the data of the end of a case.
type CaseClosed struct {
	Step string `json:"step"`
	Pass int    `json:"pass"`
	// Announcements is the number of announcements that the case has made.
	Announcements int `json:"announcements"`
}

// CaseErased is the data of an erasure.
type CaseErased struct {
	Erasure string `json:"erasure_id"`
	// Reason is a code of the closed list of package erasure.
	Reason string `json:"reason"`
}

// CaseEscalated is the data of a case that waits for a person.
type CaseEscalated struct {
	Step string `json:"step"`
	Pass int    `json:"pass"`
	// Reason is a code: "not_competent", "overdue".
	Reason string `json:"reason"`
}

// CaseLinked is the data of a link between two cases; each of them records one.
type CaseLinked struct {
	Linked string `json:"linked_case"`
	// Relation is "opened" on the case whose task opened the other, "opened_by" on the other.
	Relation string `json:"relation"`
	Task     string `json:"task_id"`
}

// TaskAssigned is the data of a task given to an authority.
type TaskAssigned struct {
	Task         string         `json:"task_id"`
	Step         string         `json:"step"`
	Pass         int            `json:"pass"`
	Role         authority.Role `json:"role"`
	Authority    authority.ID   `json:"authority"`
	Outcomes     []string       `json:"outcomes"`
	OutcomeFacts []string       `json:"outcome_facts,omitempty"`
	Opens        key.ServiceKey `json:"opens,omitempty"`
	Deadline     law.Deadline   `json:"deadline"`
	Purpose      string         `json:"purpose"`
	Basis        string         `json:"basis"`
	Contents     []content.Ref  `json:"contents"`
}

// TaskCompleted is the data of a task's outcome.
type TaskCompleted struct {
	Task    string      `json:"task_id"`
	Step    string      `json:"step"`
	Pass    int         `json:"pass"`
	Outcome string      `json:"outcome"`
	Facts   fact.Values `json:"facts,omitempty"`
	// Contents are documents that came with the outcome, for example the receipt certificate.
	Contents []content.Ref `json:"contents,omitempty"`
	// Opened is the case that the outcome opened.
	Opened string `json:"opened_case,omitempty"`
}

// TaskExpired is the data of a task that silence ended. The event's own time is that of its record; the legal time is
// Expired, the due instant, however late the expiry was recorded.
type TaskExpired struct {
	Task      string       `json:"task_id"`
	Step      string       `json:"step"`
	Pass      int          `json:"pass"`
	Authority authority.ID `json:"authority"`
	Expired   time.Time    `json:"expired_at"`
	// Law is the record that says what silence means here.
	Law           string            `json:"law"`
	LegalBasis    string            `json:"legal_basis"`
	SilenceEffect law.SilenceEffect `json:"silence_effect"`
}

// TaskReturned is the data of an authority's answer that it is not competent.
type TaskReturned struct {
	Task string `json:"task_id"`
	Step string `json:"step"`
	Pass int    `json:"pass"`
	// Reason is "not_competent".
	Reason string `json:"reason"`
}

// ContentAnnounced is the data of an announcement: there is something for an authority to fetch.
type ContentAnnounced struct {
	Step      string         `json:"step"`
	Pass      int            `json:"pass"`
	Role      authority.Role `json:"role"`
	Authority authority.ID   `json:"authority"`
	Purpose   string         `json:"purpose"`
	Basis     string         `json:"basis"`
	Contents  []content.Ref  `json:"contents"`
	// Decision is the abstract decision that allowed the announcement.
	Decision string `json:"decision_id"`
}

// DeliveryAnswered is the data of a delivery that an authority accepted, or rejected as unreadable.
type DeliveryAnswered struct {
	Delivery  string       `json:"delivery_id"`
	Authority authority.ID `json:"authority"`
	// Reason is set on a rejection only.
	Reason delivery.Rejection `json:"reason,omitempty"`
}

// DisclosureRecorded is the data of a disclosure that was decided and recorded, and of one that was refused.
type DisclosureRecorded struct {
	// Disclosure is empty when the decision refused.
	Disclosure string       `json:"disclosure_id,omitempty"`
	Decision   string       `json:"decision_id"`
	Authority  authority.ID `json:"authority"`
	Content    content.ID   `json:"content_id"`
	// Record is the digest of the sealed decision record.
	Record string `json:"record"`
}
