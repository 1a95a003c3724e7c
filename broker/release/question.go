package release

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// country is where every authority of the register lies (ISO 3166).
const country = "DE"

// ground is what the broker's rows say of a case: what a decision stands on besides the request. The releasing
// transaction reads it again; when it has changed, the decision is taken anew.
type ground struct {
	Case     string
	Operator authority.OperatorID
	Tenant   authority.TenantID
	Service  key.ServiceKey
	Package  string
	Lead     authority.ID
	Parties  []authority.Party
	// Facts are those of the application that are not sensitive, and those of outcomes.
	Facts fact.Values
}

func readGround(ctx context.Context, q sqlstore.Querier, caseID string) (ground, error) {
	const op = "read case"
	g := ground{Case: caseID}
	var facts, parties string
	err := q.QueryRowContext(ctx, `select operator, tenant, service, package, lead, facts, parties from cases where id = $1`, caseID).
		Scan(&g.Operator, &g.Tenant, &g.Service, &g.Package, &g.Lead, &facts, &parties)
	if errors.Is(err, sql.ErrNoRows) {
		return g, &contracts.Error{Kind: contracts.NotFound, Op: op, Subject: caseID}
	}
	if err != nil {
		return g, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	if err := errors.Join(json.Unmarshal([]byte(facts), &g.Facts), json.Unmarshal([]byte(parties), &g.Parties)); err != nil {
		return g, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	outcomes, err := outcomeFacts(ctx, q, caseID)
	if err != nil {
		return g, err
	}
	if g.Facts == nil {
		g.Facts = fact.Values{}
	}
	maps.Copy(g.Facts, outcomes)
	return g, nil
}

// outcomeFacts are the facts that came with the outcomes of the case's tasks; of two the later one counts.
func outcomeFacts(ctx context.Context, q sqlstore.Querier, caseID string) (fact.Values, error) {
	const op = "read outcomes"
	texts, err := sqlstore.Texts[string](ctx, q, `select outcome_facts from tasks where case_id = $1 and outcome_facts not in ('', '{}', 'null')
		order by completed_at, id`, caseID)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	out := fact.Values{}
	for _, text := range texts {
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			return nil, contracts.Errorf(contracts.Internal, op, "%w", err)
		}
	}
	return out, nil
}

// readRoles lists the roles in which an authority takes part in a case, sorted. A part that was given or ended is so, whatever
// the clock has been set to since.
func readRoles(ctx context.Context, q sqlstore.Querier, caseID string, a authority.ID) ([]authority.Role, error) {
	out, err := sqlstore.Texts[authority.Role](ctx, q, `select role from case_participation where case_id = $1 and authority = $2 and ends is null
		order by role`, caseID, a)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "read participation", "%w", err)
	}
	return out, nil
}

// question is what the policy is asked, besides the ground.
type question struct {
	stage          decision.Stage
	step           string
	purpose, basis string
	recipient      authority.ID
	role           authority.Role
	fields         []string
	// facts are added to those of the ground: sensitive ones, and those that a command brings.
	facts fact.Values
	at    time.Time
}

// input builds the closed document that the policy decides on. Parties come from the register by id.
func (r *Release) input(ctx context.Context, g ground, q question) (decision.Input, error) {
	sender, err := r.cfg.Register.Authority(ctx, g.Lead)
	if err != nil {
		return decision.Input{}, own("look up sender", err)
	}
	recipient, err := r.cfg.Register.Authority(ctx, q.recipient)
	if err != nil {
		return decision.Input{}, own("look up recipient", err)
	}
	facts := maps.Clone(g.Facts)
	maps.Copy(facts, q.facts)
	derive(facts, recipient, r.cfg.Law.Rows(g.Service, q.role, q.at))
	return decision.Input{
		Now: q.at.UTC().Format("2006-01-02T15:04:05Z"), Stage: q.stage, Service: g.Service, Package: prefixed(g.Package),
		Step: q.step, Purpose: q.purpose, Basis: q.basis,
		Sender: party(sender, authority.Lead), Recipient: party(recipient, q.role),
		Fields: q.fields, Facts: facts,
	}, nil
}

// own wraps an error of looking up what the broker's own rows name: its absence is a fault of the broker, never
// "not found" for the caller.
func own(op string, err error) error {
	kind := contracts.KindOf(err)
	if kind == contracts.NotFound {
		kind = contracts.Internal
	}
	return contracts.Errorf(kind, op, "%w", err)
}

// derive adds the facts that the conditions of law rows use beside those of the case: the waiver from the register, the
// register entry from the declared fact (domain: GewO § 14(8) no. 8). A condition that nothing states is false.
func derive(facts fact.Values, recipient authority.Authority, rows []law.Row) {
	facts["not_waived"] = !recipient.Waived
	if register, ok := facts["register"].(string); ok {
		facts["register_entry"] = register == "commercial" || register == "cooperative"
	}
	for _, row := range rows {
		for name := range row.Conditions {
			if _, stated := facts[name]; !stated {
				facts[name] = false
			}
		}
	}
}

// roleFor chooses among the roles of an authority the one whose law row names purpose and basis; else its first, else
// none. The policy decides what follows.
func (r *Release) roleFor(g ground, roles []authority.Role, purpose, basis string, at time.Time) authority.Role {
	for _, role := range roles {
		for _, row := range r.cfg.Law.Rows(g.Service, role, at) {
			if row.Basis == basis && slices.Contains(row.Purposes, purpose) {
				return role
			}
		}
	}
	if len(roles) > 0 {
		return roles[0]
	}
	return decision.NoRole
}

func party(a authority.Authority, role authority.Role) decision.Party {
	return decision.Party{Authority: a.ID, Tenant: a.Tenant, Kind: a.Kind, Role: role, Country: country}
}

func prefixed(hash string) string {
	return "sha256:" + strings.TrimPrefix(hash, "sha256:")
}
