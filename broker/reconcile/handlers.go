package reconcile

import (
	"context"
	"net/http"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
)

// Mount adds the domain's routes to mux.
func (r *Reconcile) Mount(mux *http.ServeMux, errs httpserver.Errors) {
	h := NewStrictHandlerWithOptions(handlers{r}, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: errs.Request, ResponseErrorHandlerFunc: errs.Response,
	})
	HandlerWithOptions(h, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: errs.Param})
}

type handlers struct{ *Reconcile }

func (h handlers) StartReconciliation(ctx context.Context, req StartReconciliationRequestObject) (StartReconciliationResponseObject, error) {
	repair, why := false, ""
	if req.Body.Repair != nil {
		repair = *req.Body.Repair
	}
	if req.Body.Reason != nil {
		why = *req.Body.Reason
	}
	run, err := h.Start(ctx, httpserver.Viewer(ctx), repair, why)
	if err != nil {
		return nil, err
	}
	return StartReconciliation201JSONResponse(run), nil
}

func (h handlers) GetReconciliation(ctx context.Context, req GetReconciliationRequestObject) (GetReconciliationResponseObject, error) {
	var after int64
	if req.Params.AfterRevision != nil {
		after = *req.Params.AfterRevision
	}
	var wait time.Duration
	if req.Params.WaitSeconds != nil {
		wait = time.Duration(*req.Params.WaitSeconds) * time.Second
	}
	run, err := h.Get(ctx, httpserver.Viewer(ctx), req.ReconciliationId.String(), after, wait)
	if err != nil {
		return nil, err
	}
	return GetReconciliation200JSONResponse(run), nil
}

func (h handlers) ReplayOutbox(ctx context.Context, req ReplayOutboxRequestObject) (ReplayOutboxResponseObject, error) {
	var s Selection
	if req.Body.CaseId != nil {
		s.Case = req.Body.CaseId.String()
	}
	if req.Body.Since != nil {
		s.Since = *req.Body.Since
	}
	id, n, err := h.Replay(ctx, httpserver.Viewer(ctx), s, req.Body.Reason)
	if err != nil {
		return nil, err
	}
	return ReplayOutbox201JSONResponse{ReconciliationId: id, Events: n}, nil
}
