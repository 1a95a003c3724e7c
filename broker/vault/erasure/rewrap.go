package erasure

import (
	"context"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// Renewal says what a rewrap left.
type Renewal struct {
	Tenant  authority.TenantID
	Version uint32
	Keys    int64
}

// Rewrap puts every key of a tenant under a new version of its tenant key and destroys the older versions.
func (e *Eraser) Rewrap(ctx context.Context, v actor.Viewer, tenant authority.TenantID, reason act.Reason) (Renewal, error) {
	if err := e.gate.Collection(ctx, v, decision.KeyRewrap); err != nil {
		return Renewal{}, err
	}
	if err := checkReason(act.Rewrap, reason); err != nil {
		return Renewal{}, err
	}
	var r Renewal
	err := e.alone(ctx, func() (err error) {
		r, err = e.rewrap(ctx, v, tenant, reason)
		return err
	})
	if err != nil {
		return Renewal{}, fmt.Errorf("rewrap keys: %w", err)
	}
	e.cfg.Log.InfoContext(ctx, "keys rewrapped", "tenant", string(tenant), "version", r.Version, "keys", r.Keys, "reason", string(reason))
	return r, nil
}

func (e *Eraser) rewrap(ctx context.Context, v actor.Viewer, tenant authority.TenantID, reason act.Reason) (Renewal, error) {
	err := e.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		var hosted int
		if err := tx.QueryRowContext(ctx, `select count(*) from tenants where id = $1 and operator = $2`, tenant, v.Operator).Scan(&hosted); err != nil {
			return contracts.Errorf(contracts.Unavailable, "read tenant", "%w", err)
		}
		if hosted == 0 {
			return contracts.Errorf(contracts.NotFound, "read tenant", "no such tenant")
		}
		return write(ctx, tx, v.Operator, newAct(act.Rewrap, tenant, reason, v.Actor, tx.Now()))
	})
	if err != nil {
		return Renewal{}, err
	}
	version, keys, err := e.renew(ctx, tenant)
	return Renewal{tenant, version, keys}, err
}

// renew takes the last three steps: rewrap, backup, retire. Interrupted anywhere, all three can be taken again.
func (e *Eraser) renew(ctx context.Context, tenant authority.TenantID) (version uint32, keys int64, err error) {
	if version, keys, err = e.cfg.Keys.Rotate(ctx, tenant); err != nil {
		return 0, 0, err
	}
	if err := e.reached("rewrap"); err != nil {
		return 0, 0, err
	}
	if err := e.cfg.Keys.BackUpKeys(ctx); err != nil {
		return 0, 0, err
	}
	if err := e.reached("backup"); err != nil {
		return 0, 0, err
	}
	if err := e.cfg.Keys.Retire(ctx, tenant, version); err != nil {
		return 0, 0, err
	}
	return version, keys, e.reached("retire")
}
