package competence

import (
	"context"
	"net/http"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/region"
)

// Mount adds the domain's routes to mux.
func (c *Competence) Mount(mux *http.ServeMux, errs httpserver.Errors) {
	h := NewStrictHandlerWithOptions(handlers{c}, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: errs.Request, ResponseErrorHandlerFunc: errs.Response,
	})
	HandlerWithOptions(h, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: errs.Param})
}

type handlers struct{ *Competence }

var _ StrictServerInterface = handlers{}

// ListAuthorities lists the authorities of the viewer's operator.
func (h handlers) ListAuthorities(ctx context.Context, _ ListAuthoritiesRequestObject) (ListAuthoritiesResponseObject, error) {
	v := httpserver.Viewer(ctx)
	if err := h.gate.Collection(ctx, v, decision.AuthorityList); err != nil {
		return nil, err
	}
	list, err := h.Authorities(ctx, v.Operator)
	if err != nil {
		return nil, err
	}
	return ListAuthorities200JSONResponse{Authorities: list}, nil
}

// GetAuthority shows one authority of the viewer's operator; that of another operator does not exist here.
func (h handlers) GetAuthority(ctx context.Context, req GetAuthorityRequestObject) (GetAuthorityResponseObject, error) {
	v := httpserver.Viewer(ctx)
	if err := h.gate.Collection(ctx, v, decision.AuthorityList); err != nil {
		return nil, err
	}
	a, err := h.Authority(ctx, authority.ID(req.AuthorityId))
	if err != nil {
		return nil, err
	}
	if a.Operator != v.Operator {
		return nil, contracts.Errorf(contracts.NotFound, "find authority", "no authority has this id")
	}
	return GetAuthority200JSONResponse(a), nil
}

// FindCompetence lists the areas that a place may mean, and for each who answers there. Without service it answers for
// every service on offer.
func (h handlers) FindCompetence(ctx context.Context, req FindCompetenceRequestObject) (FindCompetenceResponseObject, error) {
	v := httpserver.Viewer(ctx)
	if err := h.gate.Collection(ctx, v, decision.CompetenceFind); err != nil {
		return nil, err
	}
	areas, err := h.Areas(Place{Region: value(req.Params.Region), AGS: value(req.Params.Ags), Postcode: value(req.Params.Postcode)})
	if err != nil {
		return nil, err
	}
	services, err := h.services(value(req.Params.Service))
	if err != nil {
		return nil, err
	}
	out := FindCompetence200JSONResponse{Areas: make([]Area, 0, len(areas))}
	for _, a := range areas {
		found, err := h.area(ctx, v, a, services)
		if err != nil {
			return nil, err
		}
		out.Areas = append(out.Areas, found)
	}
	return out, nil
}

// services is the one that was asked for, or every one on offer.
func (h handlers) services(asked string) ([]key.ServiceKey, error) {
	if asked != "" {
		k, err := key.ParseServiceKey(asked)
		if err != nil {
			return nil, refuse("service", "%s", err)
		}
		return []key.ServiceKey{k}, nil
	}
	var out []key.ServiceKey
	for _, p := range h.cfg.Packages {
		out = append(out, p.Service)
	}
	return out, nil
}

// entry is one competence of an Area as the generated code has it.
type entry = struct {
	Authority string `json:"authority"`
	Name      string `json:"name"`
	Role      string `json:"role"`
}

// area says who answers for the services in one area, each authority once per role.
func (h handlers) area(ctx context.Context, v actor.Viewer, a region.Area, services []key.ServiceKey) (Area, error) {
	out := Area{Region: string(a.Region), Name: a.Name, State: a.State, Competences: []entry{}}
	seen := map[authority.Party]bool{}
	for _, s := range services {
		found, err := h.Assignments(ctx, v.Operator, s, a.Region)
		if err != nil {
			return Area{}, err
		}
		out.Route = out.Route || lead(found)
		for _, x := range found {
			party := authority.Party{Role: x.Role, Authority: x.Authority.ID}
			if seen[party] {
				continue
			}
			seen[party] = true
			out.Competences = append(out.Competences, entry{string(x.Authority.ID), x.Authority.Name, string(x.Role)})
		}
	}
	return out, nil
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
