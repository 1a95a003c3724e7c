package intake

import (
	"context"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// StoreFor seals a certificate or attachment for a case in which v's authority has something to do. It stays pending
// until an event refers to it. The second result is true when the same content was stored before.
func (in *Intake) StoreFor(ctx context.Context, v actor.Viewer, caseID string, ref content.Ref, mediaType string, body []byte) (content.Ref, bool, error) {
	var tenant authority.TenantID
	if err := in.cfg.DB.View(ctx, v, func(q sqlstore.Querier) (err error) {
		tenant, err = in.tenantFor(ctx, q, v, caseID)
		return err
	}); err != nil {
		return content.Ref{}, false, err
	}
	if len(body) == 0 {
		return content.Ref{}, false, contracts.Refuse(contracts.Invalid, "store content", contracts.Problem{
			Pointer: "",
			Detail:  "the body is empty",
		})
	}
	stored, existed, err := in.cfg.Vault.Store(ctx, content.Object{
		Ref: ref, Operator: v.Operator, Tenant: tenant, Case: caseID, MediaType: mediaType, Uploader: v.ID, Body: body,
	})
	if err != nil {
		return content.Ref{}, false, fmt.Errorf("seal content: %w", err)
	}
	return stored, existed, nil
}

// tenantFor is the tenant of a case for which v may store content.
func (in *Intake) tenantFor(ctx context.Context, q sqlstore.Querier, v actor.Viewer, caseID string) (authority.TenantID, error) {
	if _, err := in.gate.Case(ctx, q, v, caseID, decision.ContentStore); err != nil {
		return "", err
	}
	var tenant authority.TenantID
	if err := q.QueryRowContext(ctx, `select tenant from cases where id = $1`, caseID).Scan(&tenant); err != nil {
		return "", fmt.Errorf("read tenant: %w", err)
	}
	return tenant, nil
}
