package delivery

import (
	"context"
	"net/http"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// Mount adds delivery's routes to mux.
func (d *Delivery) Mount(mux *http.ServeMux, errs httpserver.Errors) {
	h := NewStrictHandlerWithOptions(handlers{d}, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: errs.Request, ResponseErrorHandlerFunc: errs.Response,
	})
	HandlerWithOptions(h, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: errs.Param})
}

// defaultLimit is the page size when the caller names none; the contract bounds it to 500.
const defaultLimit = 100

type handlers struct{ *Delivery }

func (h handlers) ReadInbox(ctx context.Context, req ReadInboxRequestObject) (ReadInboxResponseObject, error) {
	after, limit, wait := "", defaultLimit, time.Duration(0)
	if req.Params.After != nil {
		after = *req.Params.After
	}
	if req.Params.Limit != nil {
		limit = *req.Params.Limit
	}
	if req.Params.WaitSeconds != nil {
		wait = time.Duration(*req.Params.WaitSeconds) * time.Second
	}
	items, next, err := h.Inbox(ctx, httpserver.Viewer(ctx), after, limit, wait)
	if err != nil {
		return nil, err
	}
	return ReadInbox200JSONResponse{Items: items, Next: next}, nil
}

func (h handlers) AcceptDelivery(ctx context.Context, req AcceptDeliveryRequestObject) (AcceptDeliveryResponseObject, error) {
	it, err := h.Accept(ctx, httpserver.Viewer(ctx), httpserver.Received(ctx), req.DeliveryId.String())
	if err != nil {
		return nil, err
	}
	return AcceptDelivery200JSONResponse(it), nil
}

func (h handlers) RejectDelivery(ctx context.Context, req RejectDeliveryRequestObject) (RejectDeliveryResponseObject, error) {
	it, err := h.Reject(ctx, httpserver.Viewer(ctx), httpserver.Received(ctx), req.DeliveryId.String(), delivery.Rejection(req.Body.Reason))
	if err != nil {
		return nil, err
	}
	return RejectDelivery200JSONResponse(it), nil
}
