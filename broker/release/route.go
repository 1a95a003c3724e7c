package release

import (
	"context"
	"maps"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/engine"
)

// Route decides whether an authority may learn, with a task, that there is something for it (stage abstract). Facts are
// opened and the policy is asked now; the function that is returned writes the record in the transaction that assigns
// the task. A refusal is recorded at once and returned as Denied.
func (r *Release) Route(ctx context.Context, cmd engine.Assign) (record func(ctx context.Context, tx *sqlstore.Tx) error, err error) {
	const op = "route task"
	g, err := readGround(ctx, r.cfg.DB.Read(), cmd.Case)
	if err != nil {
		return nil, err
	}
	pkg, err := r.cfg.Packages.Package(ctx, g.Package)
	if err != nil {
		return nil, own("find service package", err)
	}
	facts, err := r.cfg.Vault.Facts(ctx, cmd.Case)
	if err != nil {
		return nil, err
	}
	at := r.cfg.DB.Now()
	e, err := r.askBefore(ctx, g, question{
		stage: decision.Abstract, step: cmd.Step, purpose: cmd.Purpose, basis: cmd.Basis,
		recipient: cmd.Authority, role: cmd.Role, fields: pkg.AllFields(), facts: maps.Clone(facts), at: at,
	})
	if err != nil {
		return nil, err
	}
	record = func(ctx context.Context, tx *sqlstore.Tx) error { return r.write(ctx, tx, e) }
	if e.Document.Outcome != decision.Refuse {
		return record, nil
	}
	if err := r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error { return record(ctx, tx) }); err != nil {
		return nil, err
	}
	return nil, &contracts.Error{Kind: contracts.Denied, Op: op, Subject: string(cmd.Authority)}
}
