package assembly

import (
	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Machines lists the machine clients of an operator: its own, the portal's, and one for each authority's system.
func Machines(operator authority.OperatorID, authorities []authority.Authority) []identity.Principal {
	out := []identity.Principal{
		{ID: "operator-" + string(operator), Kind: identity.Machine, Role: actor.OperatorAdmin, Operator: operator},
		{ID: "portal-" + string(operator), Kind: identity.Machine, Role: actor.Portal, Operator: operator},
	}
	for _, a := range authorities {
		out = append(out, identity.Principal{
			ID: string(a.ID), Kind: identity.Machine, Role: actor.System, Operator: a.Operator, Tenant: a.Tenant, Authority: a.ID,
		})
	}
	return out
}
