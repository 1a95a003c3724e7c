package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// attempts bounds how often a fetch is decided anew because the case changed under it.
const attempts = 3

// errMoved says that the ground of a decision changed before its record was written.
var errMoved = errors.New("the case changed while the decision was taken")

// unknown is the one answer for a reference that nobody knows and for a refusal: same path, same bytes.
func unknown() error { return &contracts.Error{Kind: contracts.NotFound, Op: "fetch content"} }

// erasedIsUnknown answers for a content whose keys were destroyed like for one that never was.
func erasedIsUnknown(err error) error {
	if contracts.KindOf(err) == contracts.NotFound {
		return unknown()
	}
	return err
}

// Fetch releases the fields of a content that the policy allows the viewer's authority, now, for this purpose on this
// basis.
//
// Errors: Invalid with all problems at once; Denied for a viewer without authority; NotFound for a content that does
// not exist here and for a refusal, which is recorded; Unavailable when the record cannot be written.
func (r *Release) Fetch(ctx context.Context, v actor.Viewer, id content.ID, req FetchRequest) (FetchedContent, error) {
	if v.Authority == "" {
		return FetchedContent{}, contracts.Errorf(contracts.Denied, "fetch content", "content goes to authorities only")
	}
	if err := checkRequest(req); err != nil {
		return FetchedContent{}, err
	}
	o, err := r.cfg.Vault.Describe(ctx, id)
	if err != nil && contracts.KindOf(err) != contracts.NotFound {
		return FetchedContent{}, err
	}
	if err != nil || !o.Committed || o.Operator != v.Operator || o.Kind == content.Facts {
		return FetchedContent{}, unknown()
	}
	facts, err := r.cfg.Vault.Facts(ctx, o.Case)
	if err != nil {
		return FetchedContent{}, erasedIsUnknown(err)
	}
	for range attempts {
		got, err := r.fetchOnce(ctx, fetch{viewer: v, object: o, req: req, sensitive: facts})
		if !errors.Is(err, errMoved) {
			return got, err
		}
	}
	return FetchedContent{}, contracts.Errorf(contracts.Unavailable, "fetch content", "%w", errMoved)
}

// fetch is one request on its way.
type fetch struct {
	viewer    actor.Viewer
	object    content.Object
	req       FetchRequest
	sensitive fact.Values
	ground    ground
	roles     []authority.Role
}

func (r *Release) fetchOnce(ctx context.Context, f fetch) (FetchedContent, error) {
	at := r.cfg.DB.Now()
	var err error
	if f.ground, f.roles, err = f.read(ctx, r.cfg.DB.Read()); err != nil {
		return FetchedContent{}, err
	}
	e, err := r.decide(ctx, f, at)
	if err != nil {
		return FetchedContent{}, err
	}
	if e.Document.Outcome == decision.Refuse {
		return FetchedContent{}, r.refuse(ctx, f, e)
	}
	kept, err := r.filtered(ctx, f, e)
	if err != nil {
		return FetchedContent{}, err
	}
	if err := r.disclose(ctx, f, &e); err != nil {
		return FetchedContent{}, err
	}
	return FetchedContent{
		ContentId: string(f.object.Content), CaseId: e.Case, Form: f.object.Form, DisclosureId: e.Disclosure, DecisionId: e.ID,
		Outcome: FetchedContentOutcome(e.Document.Outcome), Released: released(e.Document), Withheld: e.Document.Withhold,
		Content: kept,
	}, nil
}

// read reads what the decision stands on: before it is taken, and again in the releasing transaction.
func (f fetch) read(ctx context.Context, q sqlstore.Querier) (ground, []authority.Role, error) {
	g, err := readGround(ctx, q, f.object.Case)
	if err != nil {
		return g, nil, err
	}
	roles, err := readRoles(ctx, q, f.object.Case, f.viewer.Authority)
	return g, roles, err
}

// decide asks both questions: may this role fetch here (access), and which fields may go (disclosure). Who may not
// fetch is asked about as someone without a role, so that its refusal is decided and recorded like any other; so is
// content that has no field list.
func (r *Release) decide(ctx context.Context, f fetch, at time.Time) (evaluation, error) {
	allowed, err := r.cfg.Access.Allow(ctx, decision.AccessInput{
		Role: f.viewer.Role, Action: decision.ContentFetch, Relation: f.relation(),
	})
	if err != nil {
		return evaluation{}, err
	}
	allowed = allowed && f.object.Kind == content.Application && len(f.roles) > 0
	role := decision.NoRole
	if allowed {
		if err := checkFields(f.req.Fields, r.cfg.Law.FormFields(f.object.Form)); err != nil {
			return evaluation{}, err
		}
		role = r.roleFor(f.ground, f.roles, f.req.Purpose, f.req.Basis, at)
	}
	in, err := r.input(ctx, f.ground, question{
		stage: decision.Concrete, step: "fetch", purpose: f.req.Purpose, basis: f.req.Basis,
		recipient: f.viewer.Authority, role: role, fields: f.req.Fields, facts: f.sensitive, at: at,
	})
	if err != nil {
		return evaluation{}, err
	}
	e, err := r.evaluate(ctx, f.ground, in, at, f.viewer.Actor)
	if err != nil {
		return evaluation{}, err
	}
	if !allowed && e.Document.Outcome != decision.Refuse {
		return evaluation{}, contracts.Errorf(contracts.Internal, "fetch content", "the policy released to a body without a role")
	}
	e.Content = f.object.Content
	return e, nil
}

// relation is how the viewer's authority stands to the content.
func (f fetch) relation() decision.Relation {
	switch {
	case f.ground.Lead == f.viewer.Authority:
		return decision.LeadOf
	case len(f.roles) > 0:
		return decision.Holder
	}
	return decision.Other
}

// filtered opens the application and keeps what the decision releases. Numbers keep the digits with which they came.
func (r *Release) filtered(ctx context.Context, f fetch, e evaluation) (map[string]any, error) {
	pkg, err := r.cfg.Packages.Package(ctx, f.ground.Package)
	if err != nil {
		return nil, own("find service package", err)
	}
	o, err := r.cfg.Vault.Load(ctx, f.object.Content)
	if err != nil {
		return nil, erasedIsUnknown(err)
	}
	d := json.NewDecoder(bytes.NewReader(o.Body))
	d.UseNumber()
	var app map[string]any
	if err := d.Decode(&app); err != nil {
		return nil, contracts.Errorf(contracts.Internal, "open application", "content %s is no JSON object", f.object.Content)
	}
	return pkg.Filter(app, released(e.Document)), nil
}
