package act

import (
	"slices"
	"time"

	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Kind is what was done.
type Kind string

const (
	// Erase destroys the keys of a case.
	Erase Kind = "case.erase"
	// Hold forbids erasing a case (legal hold).
	Hold Kind = "case.hold"
	// LiftHold permits it again.
	LiftHold Kind = "case.lift_hold"
	// Rewrap puts a tenant's keys under a new version of its tenant key and destroys the old one.
	Rewrap Kind = "key.rewrap"
)

// Reason is why, a code. Free text could name a person.
type Reason string

// Reasons are the reasons that an act of kind k can have.
func Reasons(k Kind) []Reason {
	switch k {
	case Erase:
		return []Reason{"retention_expired", "erasure_requested", "unlawful_processing", "legal_obligation"}
	case Hold:
		return []Reason{"litigation", "audit", "investigation", "restriction_requested"}
	case LiftHold:
		return []Reason{"hold_ended", "hold_in_error"}
	case Rewrap:
		return []Reason{"scheduled", "suspected_disclosure", "staff_change"}
	}
	return nil
}

// Fits reports whether r can be the reason of an act of kind k.
func (r Reason) Fits(k Kind) bool { return slices.Contains(Reasons(k), r) }

// Act is one privileged act as the bodies concerned may see it.
type Act struct {
	ID   string `json:"act_id"`
	Kind Kind   `json:"kind"`
	// Case is the case concerned; empty for an act on the keys of a whole tenant.
	Case   string             `json:"case_id,omitempty"`
	Tenant authority.TenantID `json:"tenant"`
	// Authority runs the case concerned; empty for an act on the keys of a whole tenant.
	Authority authority.ID `json:"lead_authority,omitempty"`
	Reason    Reason       `json:"reason"`
	Actor     actor.Actor  `json:"actor"`
	At        time.Time    `json:"at"`
}
