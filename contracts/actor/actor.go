package actor

import "github.com/efa-broker/efa-broker/contracts/authority"

// Role is what an actor may be for the broker. The access policy knows these and no others.
type Role string

const (
	// Portal is the client through which applicants file and see their cases.
	Portal Role = "portal"
	// System is the back office (Fachverfahren) of one authority.
	System Role = "authority_system"
	// CaseWorker is a person of one authority.
	CaseWorker Role = "case_worker"
	// OperatorAdmin is the operator's client: lists, opens no content, acts for no office.
	OperatorAdmin Role = "operator"
	// Engine is the broker's own process engine.
	Engine Role = "engine"
)

// AssuranceLevel is the trust level of an identification (Vertrauensniveau, eIDAS).
type AssuranceLevel string

const (
	// Basic is "niedrig".
	Basic AssuranceLevel = "basic"
	// Substantial is "substanziell".
	Substantial AssuranceLevel = "substantial"
	// High is "hoch".
	High AssuranceLevel = "high"
)

// Actor is who did something. It stands on every event and in every decision record; it holds no name of a person.
type Actor struct {
	// ID is the client or person id of the broker's own row, pseudonymous.
	ID string `json:"id"`
	// Role is the actor's role.
	Role Role `json:"role"`
	// Authority is the office for which the actor acts; empty for a portal and for the operator.
	Authority authority.ID `json:"authority,omitempty"`
}

// Viewer is who looks: an actor with everything that decides what it may see. Every read takes one.
type Viewer struct {
	Actor
	Tenant   authority.TenantID
	Operator authority.OperatorID
	// Assurance is the level at which this session was identified.
	Assurance AssuranceLevel
}
