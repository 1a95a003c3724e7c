package intake

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
)

// Mount adds intake's routes to mux.
func (in *Intake) Mount(mux *http.ServeMux, errs httpserver.Errors) {
	h := NewStrictHandlerWithOptions(handlers{in}, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: errs.Request, ResponseErrorHandlerFunc: errs.Response,
	})
	HandlerWithOptions(h, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: errs.Param})
}

type handlers struct{ *Intake }

func (h handlers) SubmitApplication(ctx context.Context, req SubmitApplicationRequestObject) (SubmitApplicationResponseObject, error) {
	a, err := h.Submit(ctx, httpserver.Viewer(ctx), httpserver.Received(ctx), *req.Body)
	if err != nil {
		return nil, err
	}
	answer := SubmissionReceipt{
		CaseId: a.Case, SubmissionId: req.Body.SubmissionId, Service: req.Body.Service, ReceivedAt: a.ReceivedAt, Receipt: a.Receipt,
	}
	if a.Repeated {
		return SubmitApplication200JSONResponse(answer), nil
	}
	return SubmitApplication201JSONResponse(answer), nil
}

func (h handlers) StoreContent(ctx context.Context, req StoreContentRequestObject) (StoreContentResponseObject, error) {
	mediaType, body, err := bodyOf(req)
	if err != nil {
		return nil, err
	}
	ref := content.Ref{Content: content.ID(req.ContentId.String()), Kind: content.Kind(req.Params.Kind)}
	stored, existed, err := h.StoreFor(ctx, httpserver.Viewer(ctx), req.Params.CaseId.String(), ref, mediaType, body)
	if err != nil {
		return nil, err
	}
	if existed {
		return StoreContent200JSONResponse(stored), nil
	}
	return StoreContent201JSONResponse(stored), nil
}

func bodyOf(req StoreContentRequestObject) (mediaType string, body []byte, err error) {
	if req.JSONBody != nil {
		body, err = json.Marshal(*req.JSONBody)
		if err != nil {
			return "", nil, contracts.Errorf(contracts.Internal, "encode content", "%w", err)
		}
		return "application/json", body, nil
	}
	body, err = io.ReadAll(req.Body)
	if err != nil {
		return "", nil, contracts.Errorf(contracts.Invalid, "read content", "%w", err)
	}
	return "application/pdf", body, nil
}
