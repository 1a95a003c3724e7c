package release

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Announce tells each party of the case for which a law row with one of the purposes is in force that there is
// something for it, if the policy allows. Every evaluation is recorded; who is refused learns nothing.
//
// Facts are opened and the policy is asked before the transaction; what is appended is bound to the engine_seq on which
// the process decided, so that a later event wins (DESIGN law 3).
func (r *Release) Announce(ctx context.Context, cmd engine.Announce) (engine.Result, error) {
	g, err := readGround(ctx, r.cfg.DB.Read(), cmd.Case)
	if err != nil {
		return engine.Result{}, err
	}
	refs, err := r.cfg.Vault.Contents(ctx, cmd.Case, content.Application)
	if err != nil {
		return engine.Result{}, err
	}
	asked, err := r.askAll(ctx, g, cmd)
	if err != nil {
		return engine.Result{}, err
	}
	return r.cfg.Ledger.Step(ctx, cmd.Command, func(tx *sqlstore.Tx) (engine.Result, error) {
		result := engine.Result{Step: cmd.Step, Pass: cmd.Pass, EngineSeq: cmd.AfterSeq, At: tx.Now()}
		for n, e := range asked {
			if err := r.write(ctx, tx, e); err != nil {
				return engine.Result{}, err
			}
			if e.Document.Outcome == decision.Refuse {
				continue
			}
			if err := r.tell(ctx, tx, g, cmd, e, n+1, refs); err != nil {
				return engine.Result{}, err
			}
			if !slices.Contains(result.Announced, e.Recipient) {
				result.Announced = append(result.Announced, e.Recipient)
			}
		}
		return result, nil
	})
}

// askAll evaluates the abstract decision for every party, law row and purpose that the command names.
func (r *Release) askAll(ctx context.Context, g ground, cmd engine.Announce) ([]evaluation, error) {
	pkg, err := r.cfg.Packages.Package(ctx, g.Package)
	if err != nil {
		return nil, own("find service package", err)
	}
	facts, err := r.cfg.Vault.Facts(ctx, g.Case)
	if err != nil {
		return nil, err
	}
	maps.Copy(facts, cmd.Facts)
	at := r.cfg.DB.Now()
	var out []evaluation
	for _, p := range g.Parties {
		for _, purpose := range r.purposes(g, p.Role, cmd, at) {
			e, err := r.askBefore(ctx, g, question{
				stage: decision.Abstract, step: cmd.Step, purpose: purpose, basis: cmd.Basis,
				recipient: p.Authority, role: p.Role, fields: pkg.AllFields(), facts: facts, at: at,
			})
			if err != nil {
				return nil, err
			}
			out = append(out, e)
		}
	}
	return out, nil
}

// purposes are those of the command that a law row of the role names, each once.
func (r *Release) purposes(g ground, role authority.Role, cmd engine.Announce, at time.Time) []string {
	var out []string
	rows := r.cfg.Law.Rows(g.Service, role, at)
	for _, purpose := range cmd.Purposes {
		for _, row := range rows {
			if slices.Contains(row.Purposes, purpose) && !slices.Contains(out, purpose) {
				out = append(out, purpose)
			}
		}
	}
	return out
}

// askBefore asks the policy on behalf of the process, before anybody fetches, and seals the record of the answer.
func (r *Release) askBefore(ctx context.Context, g ground, q question) (evaluation, error) {
	in, err := r.input(ctx, g, q)
	if err != nil {
		return evaluation{}, err
	}
	e, err := r.evaluate(ctx, g, in, q.at, engineActor())
	if err != nil {
		return evaluation{}, err
	}
	if err := r.seal(ctx, &e); err != nil {
		return evaluation{}, err
	}
	return e, nil
}

// tell appends the announcement and lets its recipient take part in the case from now on.
func (r *Release) tell(ctx context.Context, tx *sqlstore.Tx, g ground, cmd engine.Announce, e evaluation, n int, refs []content.Ref) error {
	if err := tx.Put(ctx, `insert into case_participation (case_id, authority, role, begins) values ($1, $2, $3, $4)
		on conflict (case_id, authority, role) do update set ends = null`, cmd.Case, e.Recipient, e.Input.Recipient.Role, tx.Now()); err != nil {
		return contracts.Errorf(contracts.Unavailable, "record participation", "%w", err)
	}
	_, err := r.cfg.Ledger.Append(ctx, tx, event.Draft{
		ID:     cmd.Case + "/" + cmd.Step + "/" + strconv.Itoa(cmd.Pass) + "/" + strconv.Itoa(n),
		Source: r.source(), Type: event.TypeContentAnnounced, Case: cmd.Case, Tenant: g.Tenant, Actor: engineActor(),
		Data: event.ContentAnnounced{
			Step: cmd.Step, Pass: cmd.Pass, Role: e.Input.Recipient.Role, Authority: e.Recipient,
			Purpose: e.Input.Purpose, Basis: e.Input.Basis, Contents: refs, Decision: e.ID,
		},
	})
	return err
}

// engineActor is who acts when the process does.
func engineActor() actor.Actor { return actor.Actor{ID: "engine", Role: actor.Engine} }
