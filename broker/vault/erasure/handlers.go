package erasure

import (
	"context"
	"net/http"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// defaultLimit is the page size when the caller names none; the contract bounds it to 500.
const defaultLimit = 100

// Mount adds the domain's routes to mux.
func (e *Eraser) Mount(mux *http.ServeMux, errs httpserver.Errors) {
	h := NewStrictHandlerWithOptions(handlers{e}, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: errs.Request, ResponseErrorHandlerFunc: errs.Response,
	})
	HandlerWithOptions(h, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: errs.Param})
}

type handlers struct{ erasing *Eraser }

func (h handlers) EraseCase(ctx context.Context, req EraseCaseRequestObject) (EraseCaseResponseObject, error) {
	// Whoever hangs up does not stop an erasure that has begun.
	ctx = context.WithoutCancel(ctx)
	d, err := h.erasing.Erase(ctx, httpserver.Viewer(ctx), req.CaseId.String(), act.Reason(req.Body.Reason))
	if err != nil {
		return nil, err
	}
	return EraseCase200JSONResponse{ErasureId: d.ID, CaseId: d.Case, Reason: string(d.Reason), ErasedAt: d.At}, nil
}

func (h handlers) HoldCase(ctx context.Context, req HoldCaseRequestObject) (HoldCaseResponseObject, error) {
	a, err := h.erasing.Hold(ctx, httpserver.Viewer(ctx), req.CaseId.String(), act.Reason(req.Body.Reason))
	if err != nil {
		return nil, err
	}
	return HoldCase200JSONResponse(a), nil
}

func (h handlers) LiftHold(ctx context.Context, req LiftHoldRequestObject) (LiftHoldResponseObject, error) {
	a, err := h.erasing.LiftHold(ctx, httpserver.Viewer(ctx), req.CaseId.String(), act.Reason(req.Params.Reason))
	if err != nil {
		return nil, err
	}
	return LiftHold200JSONResponse(a), nil
}

func (h handlers) RewrapKeys(ctx context.Context, req RewrapKeysRequestObject) (RewrapKeysResponseObject, error) {
	ctx = context.WithoutCancel(ctx)
	r, err := h.erasing.Rewrap(ctx, httpserver.Viewer(ctx), authority.TenantID(req.Body.Tenant), act.Reason(req.Body.Reason))
	if err != nil {
		return nil, err
	}
	return RewrapKeys200JSONResponse{Tenant: string(r.Tenant), Version: int64(r.Version), Keys: r.Keys}, nil
}

func (h handlers) ListPrivilegedActs(ctx context.Context, req ListPrivilegedActsRequestObject) (ListPrivilegedActsResponseObject, error) {
	var caseID, after string
	limit := defaultLimit
	if req.Params.CaseId != nil {
		caseID = req.Params.CaseId.String()
	}
	if req.Params.After != nil {
		after = *req.Params.After
	}
	if req.Params.Limit != nil {
		limit = *req.Params.Limit
	}
	acts, next, err := h.erasing.Acts(ctx, httpserver.Viewer(ctx), caseID, after, limit)
	if err != nil {
		return nil, err
	}
	page := ListPrivilegedActs200JSONResponse{Acts: acts}
	if next != "" {
		page.Next = &next
	}
	return page, nil
}
