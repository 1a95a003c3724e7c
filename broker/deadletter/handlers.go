package deadletter

import (
	"context"
	"net/http"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
)

// Mount adds the domain's routes to mux.
func (d *DeadLetters) Mount(mux *http.ServeMux, errs httpserver.Errors) {
	h := NewStrictHandlerWithOptions(handlers{d}, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: errs.Request, ResponseErrorHandlerFunc: errs.Response,
	})
	HandlerWithOptions(h, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: errs.Param})
}

// defaultLimit is the page size when the caller names none; the contract bounds it to 500.
const defaultLimit = 100

type handlers struct{ *DeadLetters }

func (h handlers) ListDeadLetters(ctx context.Context, req ListDeadLettersRequestObject) (ListDeadLettersResponseObject, error) {
	var state deadletter.State
	after, limit := "", defaultLimit
	if req.Params.State != nil {
		state = deadletter.State(*req.Params.State)
	}
	if req.Params.After != nil {
		after = *req.Params.After
	}
	if req.Params.Limit != nil {
		limit = *req.Params.Limit
	}
	letters, next, err := h.List(ctx, httpserver.Viewer(ctx), state, after, limit)
	if err != nil {
		return nil, err
	}
	out := ListDeadLetters200JSONResponse{Letters: letters}
	if next != "" {
		out.Next = &next
	}
	return out, nil
}

func (h handlers) GetDeadLetter(ctx context.Context, req GetDeadLetterRequestObject) (GetDeadLetterResponseObject, error) {
	l, err := h.Letter(ctx, httpserver.Viewer(ctx), req.LetterId.String())
	if err != nil {
		return nil, err
	}
	return GetDeadLetter200JSONResponse(l), nil
}

func (h handlers) ResendDeadLetter(ctx context.Context, req ResendDeadLetterRequestObject) (ResendDeadLetterResponseObject, error) {
	l, err := h.Resend(ctx, httpserver.Viewer(ctx), req.LetterId.String(), req.Body.Reason)
	if err != nil {
		return nil, err
	}
	return ResendDeadLetter200JSONResponse(l), nil
}
