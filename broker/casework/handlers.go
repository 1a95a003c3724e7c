package casework

import (
	"context"
	"net/http"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// Mount adds casework's routes to mux.
func (c *Casework) Mount(mux *http.ServeMux, errs httpserver.Errors) {
	h := NewStrictHandlerWithOptions(handlers{c}, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: errs.Request, ResponseErrorHandlerFunc: errs.Response,
	})
	HandlerWithOptions(h, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: errs.Param})
}

// defaultLimit is the page size when the caller names none; the contract bounds it to 500.
const defaultLimit = 100

type handlers struct{ *Casework }

func (h handlers) ListCases(ctx context.Context, req ListCasesRequestObject) (ListCasesResponseObject, error) {
	cases, next, err := h.Cases(ctx, httpserver.Viewer(ctx), value(req.Params.After), limit(req.Params.Limit))
	if err != nil {
		return nil, err
	}
	return ListCases200JSONResponse{Cases: cases, Next: optional(next)}, nil
}

func (h handlers) GetCase(ctx context.Context, req GetCaseRequestObject) (GetCaseResponseObject, error) {
	c, err := h.Case(ctx, httpserver.Viewer(ctx), req.CaseId.String())
	if err != nil {
		return nil, err
	}
	return GetCase200JSONResponse(c), nil
}

func (h handlers) ListTasks(ctx context.Context, req ListTasksRequestObject) (ListTasksResponseObject, error) {
	var f TaskFilter
	if req.Params.State != nil {
		f.State = task.State(*req.Params.State)
	}
	if req.Params.CaseId != nil {
		f.Case = req.Params.CaseId.String()
	}
	tasks, next, err := h.Tasks(ctx, httpserver.Viewer(ctx), f, value(req.Params.After), limit(req.Params.Limit))
	if err != nil {
		return nil, err
	}
	return ListTasks200JSONResponse{Tasks: tasks, Next: optional(next)}, nil
}

func (h handlers) GetTask(ctx context.Context, req GetTaskRequestObject) (GetTaskResponseObject, error) {
	t, err := h.Task(ctx, httpserver.Viewer(ctx), req.TaskId)
	if err != nil {
		return nil, err
	}
	return GetTask200JSONResponse(t), nil
}

func (h handlers) CompleteTask(ctx context.Context, req CompleteTaskRequestObject) (CompleteTaskResponseObject, error) {
	a := Answer{Received: httpserver.Received(ctx), Outcome: req.Body.Outcome}
	if req.Body.Facts != nil {
		a.Facts = fact.Values(*req.Body.Facts)
	}
	if req.Body.Contents != nil {
		a.Contents = *req.Body.Contents
	}
	t, err := h.Complete(ctx, httpserver.Viewer(ctx), req.TaskId, a)
	if err != nil {
		return nil, err
	}
	return CompleteTask200JSONResponse(t), nil
}

func (h handlers) ReturnTask(ctx context.Context, req ReturnTaskRequestObject) (ReturnTaskResponseObject, error) {
	t, err := h.Return(ctx, httpserver.Viewer(ctx), httpserver.Received(ctx), req.TaskId)
	if err != nil {
		return nil, err
	}
	return ReturnTask200JSONResponse(t), nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func limit(n *int) int {
	if n == nil {
		return defaultLimit
	}
	return *n
}
