package contractstest

import (
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Operator is the operator of every builder.
const Operator authority.OperatorID = "bayern"

// Portal is a viewer of the portal's client.
func Portal() actor.Viewer {
	return actor.Viewer{
		Actor:    actor.Actor{ID: "portal-bayern", Role: actor.Portal},
		Operator: Operator, Assurance: actor.Substantial,
	}
}

// OperatorAdmin is a viewer of the operator's client.
func OperatorAdmin() actor.Viewer {
	return actor.Viewer{
		Actor:    actor.Actor{ID: "operator-bayern", Role: actor.OperatorAdmin},
		Operator: Operator, Assurance: actor.High,
	}
}

// System is a viewer of the back office of an authority.
func System(id authority.ID, tenant authority.TenantID) actor.Viewer {
	return actor.Viewer{
		Actor:  actor.Actor{ID: string(id), Role: actor.System, Authority: id},
		Tenant: tenant, Operator: Operator, Assurance: actor.High,
	}
}
