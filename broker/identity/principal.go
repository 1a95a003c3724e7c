package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Kind is what speaks: a machine or a person.
type Kind string

const (
	// Machine is a client that speaks for itself.
	Machine Kind = "machine"
	// Person is a person who logged in through a client.
	Person Kind = "person"
)

// Principal is the broker's own row for a client or a person.
type Principal struct {
	// ID is the client id or the person's id at the OpenID provider.
	ID string
	// Kind must be the kind of the tokens.
	Kind Kind
	// Role decides, with the access policy, what it may do.
	Role actor.Role
	// Operator hosts it.
	Operator authority.OperatorID
	// Tenant is the controller of the authority; empty for portal and operator.
	Tenant authority.TenantID
	// Authority is the office for which it speaks; empty for portal and operator.
	Authority authority.ID
}

var errPrincipal = errors.New("want id and operator; a machine as portal, operator or authority's system, a person as case worker; tenant and authority for those who act for an office, else none")

func (p Principal) validate() error {
	ofOffice := p.Role == actor.System || p.Role == actor.CaseWorker
	var kind Kind
	switch p.Role {
	case actor.Portal, actor.OperatorAdmin, actor.System:
		kind = Machine
	case actor.CaseWorker:
		kind = Person
	case actor.Engine: // speaks from inside, never with a token
	}
	complete := p.ID != "" && p.Operator != "" && p.Kind == kind && kind != "" &&
		(p.Tenant != "") == ofOffice && (p.Authority != "") == ofOffice
	if !complete {
		return fmt.Errorf("principal %q: %w", p.ID, errPrincipal)
	}
	return nil
}

// Seed writes the principals in one transaction, new ones and changed ones; whoever is revoked stays revoked. It
// returns Invalid, naming every principal that cannot be, and writes nothing then.
func (d *Directory) Seed(ctx context.Context, principals []Principal) error {
	var faults []error
	for _, p := range principals {
		faults = append(faults, p.validate())
	}
	if err := errors.Join(faults...); err != nil {
		return contracts.Errorf(contracts.Invalid, "seed principals", "%w", err)
	}
	return d.db.Write(ctx, func(tx *sqlstore.Tx) error {
		for _, p := range principals {
			if _, err := tx.Exec(ctx, `insert into principals (id, kind, operator, tenant, authority, role, revoked)
				values ($1, $2, $3, $4, $5, $6, null)
				on conflict (id) do update set kind = excluded.kind, operator = excluded.operator, tenant = excluded.tenant,
					authority = excluded.authority, role = excluded.role`,
				p.ID, string(p.Kind), string(p.Operator), string(p.Tenant), string(p.Authority), string(p.Role)); err != nil {
				return contracts.Errorf(contracts.Unavailable, "seed principals", "principal %s: %w", p.ID, err)
			}
		}
		return nil
	})
}

// Revoke ends a principal's access with its next request, for good. It returns NotFound for an unknown id; revoking
// twice keeps the first instant.
func (d *Directory) Revoke(ctx context.Context, id string) error {
	return d.db.Write(ctx, func(tx *sqlstore.Tx) error {
		var at time.Time
		err := tx.QueryRowContext(ctx, `update principals set revoked = coalesce(revoked, $1) where id = $2 returning revoked`, tx.Now(), id).Scan(&at)
		return rowError("revoke principal", err, contracts.NotFound)
	})
}
