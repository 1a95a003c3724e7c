package httpserver

import (
	"context"

	"github.com/google/uuid"
)

// exchange is what the stations of one request tell each other. It belongs to the goroutine of the request.
type exchange struct {
	// errorID is given to the user and to the log; it is the only link between both.
	errorID string
	// traceID is the trace that the request belongs to (W3C Trace Context).
	traceID string
	// began is true when the caller sent no trace context, so that the trace begins with this request.
	began bool
	// operation is the operationId of the OpenAPI document, or the route's pattern; never a path with ids.
	operation string
	// route is the template that metrics count.
	route string
	// principal is the recognised caller, "" when nobody was.
	principal string
	// kind is the word of the error kind that was answered, "" while there is none.
	kind string
}

type exchangeKey struct{}

func withExchange(ctx context.Context, e *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, e)
}

// exchangeOf returns the exchange of the request, or a fresh one for a handler that runs outside the chain.
func exchangeOf(ctx context.Context) *exchange {
	if e, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return e
	}
	return &exchange{errorID: uuid.NewString()}
}
