package decision

import (
	"time"

	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// Stage tells an announcement's decision from a release's (IDNrG § 7(2)).
type Stage string

const (
	// Abstract decides whether a body may learn that there is something for it.
	Abstract Stage = "abstract"
	// Concrete decides which fields it may have, now.
	Concrete Stage = "concrete"
)

// Outcome is derived from what is released and withheld.
type Outcome string

const (
	// Release says that every requested field leaves.
	Release Outcome = "release"
	// Partial says that some fields leave.
	Partial Outcome = "partial"
	// Refuse says that nothing leaves.
	Refuse Outcome = "refuse"
)

// Party is a sender or recipient as the broker's register knows it, never as the caller says.
type Party struct {
	Authority authority.ID       `json:"authority"`
	Tenant    authority.TenantID `json:"tenant"`
	Kind      authority.Kind     `json:"kind"`
	// Role is the party's role in this case; "none" when it has none.
	Role authority.Role `json:"role"`
	// Country is an ISO 3166 code.
	Country string `json:"country"`
}

// NoRole is the role of a recipient that does not take part in a case. It stands explicitly, because the policy's
// input has no null and no missing member.
const NoRole authority.Role = "none"

// Input is the whole input of a disclosure decision: a closed document, every member always present, no null.
type Input struct {
	// Now is the instant of the decision, whole seconds, UTC, "2006-01-02T15:04:05Z".
	Now     string         `json:"now"`
	Stage   Stage          `json:"stage"`
	Service key.ServiceKey `json:"service"`
	// Package is the SHA-256 of the case's service package: "sha256:…".
	Package string `json:"package"`
	// Step is the step of the process that announced, or "fetch".
	Step      string `json:"step"`
	Purpose   string `json:"purpose"`
	Basis     string `json:"basis"`
	Sender    Party  `json:"sender"`
	Recipient Party  `json:"recipient"`
	// Fields are 1 to 500 distinct field ids ("gewa1.13").
	Fields []string    `json:"fields"`
	Facts  fact.Values `json:"facts"`
}

// Field is how a released field leaves.
type Field struct {
	// Effect is "allow" at a release and "announce" in an abstract decision; mask and generalise follow with services
	// that rest on consent.
	Effect string `json:"effect"`
	// Group is the data group of the field.
	Group string `json:"group"`
}

// Reason explains a code.
type Reason struct {
	Norm  string            `json:"norm"`
	Title map[string]string `json:"title"`
}

// Obligation binds the recipient or the broker.
type Obligation struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// After is an ISO 8601 period where the type needs one.
	After string `json:"after,omitempty"`
}

// Revision names everything that a replay needs.
type Revision struct {
	// Policy is the SHA-256 of the policy bundle: "sha256:…".
	Policy string `json:"policy"`
	// Engine names the engine and its version: "opa/1.22.2".
	Engine string `json:"engine"`
}

// Document is the policy's answer: each requested field is in exactly one of Release and Withhold.
type Document struct {
	Schema  string           `json:"schema"`
	Stage   Stage            `json:"stage"`
	Outcome Outcome          `json:"outcome"`
	Release map[string]Field `json:"release"`
	// Withhold maps a field to its unproven requirements, sorted, never empty.
	Withhold    map[string][]string `json:"withhold"`
	Reasons     map[string]Reason   `json:"reasons"`
	Obligations []Obligation        `json:"obligations"`
	// LegalBasis is the norm's text of the row that carries the release; empty when no row applies.
	LegalBasis string `json:"legal_basis"`
	// Retain is how long the record must be kept (ISO 8601 period).
	Retain   string   `json:"retain"`
	Revision Revision `json:"revision"`
}

// SchemaV1 is the Schema of a Document.
const SchemaV1 = "decision/1"

// Record is the decision record: written before the bytes leave, one per evaluation, refusals too.
type Record struct {
	ID string `json:"decision_id"`
	// Disclosure is the id of the disclosure that this decision allowed; empty for refusals and abstract decisions.
	Disclosure string       `json:"disclosure_id,omitempty"`
	Case       string       `json:"case_id"`
	Content    content.ID   `json:"content_id,omitempty"`
	DecidedAt  time.Time    `json:"decided_at"`
	Sender     authority.ID `json:"sender"`
	Recipient  authority.ID `json:"recipient"`
	Actor      actor.Actor  `json:"actor"`
	Input      Input        `json:"input"`
	Document   Document     `json:"document"`
	// RetainUntil is the instant at which the record is deleted.
	RetainUntil time.Time `json:"retain_until"`
}

// Disclosure is the bytes handed over, as the log shows it: who, what, why, when.
type Disclosure struct {
	ID             string         `json:"disclosure_id"`
	Case           string         `json:"case_id"`
	Service        key.ServiceKey `json:"service"`
	Sender         authority.ID   `json:"sender"`
	Recipient      authority.ID   `json:"recipient"`
	RecipientName  string         `json:"recipient_name"`
	Role           authority.Role `json:"role"`
	Fields         []string       `json:"fields"`
	Purpose        string         `json:"purpose"`
	LegalBasis     string         `json:"legal_basis"`
	Basis          string         `json:"basis"`
	Decision       string         `json:"decision_id"`
	DecidedAt      time.Time      `json:"decided_at"`
	PolicyRevision string         `json:"policy_revision"`
	Outcome        Outcome        `json:"outcome"`
	// Reasons are the codes of what was not proven, sorted.
	Reasons []string `json:"reasons"`
	// Fetches counts how often the same disclosure was fetched.
	Fetches int64 `json:"fetches"`
}

// Action is what a viewer wants to do; the access policy knows these and no others.
type Action string

// The actions.
const (
	CaseList          Action = "case.list"
	CaseRead          Action = "case.read"
	CaseSubmit        Action = "case.submit"
	CaseForward       Action = "case.forward"
	TaskList          Action = "task.list"
	TaskRead          Action = "task.read"
	TaskAnswer        Action = "task.answer"
	InboxRead         Action = "inbox.read"
	DeliveryAnswer    Action = "delivery.answer"
	ContentStore      Action = "content.store"
	ContentFetch      Action = "content.fetch"
	DisclosureList    Action = "disclosure.list"
	DisclosureExplain Action = "disclosure.explain"
	DisclosureReplay  Action = "disclosure.replay"
	AuthorityList     Action = "authority.list"
	CompetenceFind    Action = "competence.find"
	LedgerVerify      Action = "ledger.verify"
	DeadLetterList    Action = "deadletter.list"
	DeadLetterResend  Action = "deadletter.resend"
	ReconcileCompare  Action = "reconcile.compare"
	ReconcileRepair   Action = "reconcile.repair"
	OutboxReplay      Action = "outbox.replay"
	CaseErase         Action = "case.erase"
	CaseHold          Action = "case.hold"
	KeyRewrap         Action = "key.rewrap"
	ActList           Action = "act.list"
)

// Relation is how a viewer stands to what it asks for, as the broker's own rows say.
type Relation string

const (
	// Own is a case that this portal submitted, or one linked from it.
	Own Relation = "own"
	// LeadOf is a case that the viewer's authority runs.
	LeadOf Relation = "lead"
	// Holder is for a task, delivery or content meant for the viewer's authority.
	Holder Relation = "holder"
	// Participant is a case in which the viewer's authority takes part without running it.
	Participant Relation = "participant"
	// Hosted is something of the operator that the viewer works for.
	Hosted Relation = "hosted"
	// Other is none of these, within the same operator.
	Other Relation = "other"
	// Foreign is another operator's.
	Foreign Relation = "foreign"
	// Collection is a list or register, whose rows are then filtered.
	Collection Relation = "collection"
)

// AccessInput is the whole input of an access decision.
type AccessInput struct {
	Role     actor.Role `json:"role"`
	Action   Action     `json:"action"`
	Relation Relation   `json:"relation"`
}
