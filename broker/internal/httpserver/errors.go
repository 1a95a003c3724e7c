package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/efa-broker/efa-broker/contracts"
)

// Errors answers errors as problem+json by contracts.KindOf, the cause goes to the log. Its methods are the error
// functions that generated servers take:
//
//	errs := httpserver.Errors{Logger: logger}
//	strict := NewStrictHandlerWithOptions(server, nil, StrictHTTPServerOptions{
//		RequestErrorHandlerFunc: errs.Request, ResponseErrorHandlerFunc: errs.Response,
//	})
//	HandlerWithOptions(strict, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: errs.Param})
type Errors struct {
	// Logger receives the cause of every error. Defaults to discarding it.
	Logger *slog.Logger
}

// Response answers an error that a handler returned. A caller who has gone away is answered too, so that metrics and
// audit see the request, but is no fault of the broker.
func (e Errors) Response(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		err = contracts.Errorf(contracts.TooLarge, "read body", "%w", err)
	case contracts.KindOf(err) != contracts.Internal:
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		err = contracts.Errorf(contracts.Unavailable, "answer a caller who has gone", "%w", err)
	case errors.Is(err, context.DeadlineExceeded):
		err = contracts.Errorf(contracts.Unavailable, "answer in time", "%w", err)
	}
	e.answer(w, r, err)
}

// methodNotAllowed answers a path that exists for other methods; the only status that no kind of error has.
func (e Errors) methodNotAllowed(w http.ResponseWriter, r *http.Request, allow string) {
	x := exchangeOf(r.Context())
	x.kind = contracts.Invalid.String()
	err := contracts.Errorf(contracts.Invalid, "route request", "method is not allowed")
	e.log(r.Context(), x, contracts.Invalid, http.StatusMethodNotAllowed, err)
	w.Header().Set("Allow", allow)
	writeProblem(w, problem{
		Type: problemType(x.kind), Title: "Diese Methode gibt es hier nicht. / This path has no such method.",
		Status: http.StatusMethodNotAllowed, ErrorID: x.errorID, Hint: "Allowed here: " + allow + ".",
	})
}

// Request answers a body that the generated code could not decode. The text of the decoder may repeat what was sent,
// so it goes to nobody: the log gets the fact alone.
func (e Errors) Request(w http.ResponseWriter, r *http.Request, _ error) {
	e.answer(w, r, &contracts.Error{
		Kind: contracts.Invalid, Op: "decode body",
		Problems: []contracts.Problem{{Pointer: "", Detail: "the body cannot be decoded as the OpenAPI document says"}},
	})
}

// Param answers a parameter that the generated code could not bind. As for Request the text goes to nobody.
func (e Errors) Param(w http.ResponseWriter, r *http.Request, err error) {
	e.answer(w, r, &contracts.Error{
		Kind: contracts.Invalid, Op: "read parameter",
		Problems: []contracts.Problem{{Pointer: paramName(err), Detail: "the parameter is missing or not of the form that the OpenAPI document says"}},
	})
}

// answer logs err under the error id and writes the problem.
func (e Errors) answer(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	kind := contracts.KindOf(err)
	a := answerOf(kind)
	x.kind = kind.String()
	e.log(r.Context(), x, kind, a.status, err)
	writeProblem(w, problem{
		Type: problemType(x.kind), Title: a.title, Status: a.status, ErrorID: x.errorID,
		Problems: contracts.ProblemsOf(err), Hint: a.hint,
	})
}

// gone reports whether err only says that the caller went away before the answer, which is no fault of the broker.
func gone(ctx context.Context, kind contracts.Kind, err error) bool {
	return errors.Is(ctx.Err(), context.Canceled) && (kind == contracts.Unavailable || errors.Is(err, context.Canceled))
}

func (e Errors) log(ctx context.Context, x *exchange, kind contracts.Kind, status int, err error) {
	if e.Logger == nil {
		return
	}
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError && !gone(ctx, kind, err) {
		level = slog.LevelError
	}
	e.Logger.Log(ctx, level, "request refused",
		"error_id", x.errorID, "trace_id", x.traceID, "operation", x.operation, "principal", x.principal, "kind", kind.String(), "status", status, "cause", err.Error())
}
