package httpserver

import (
	"context"
	"net/http"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver/openapi"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Receiver stamps requests with the database's clock and keeps them in hand until they are released. It returns
// Unavailable while nothing may be received here.
type Receiver interface {
	Receive() (stamp event.Reception, release func(), err error)
}

// receive stamps a request of an operation that the contract marks, once it has been read in full. The request is in hand
// until its handler has returned: what it brought is committed then, or refused. Deadlines wait for what is in hand, so a
// long poll and a long act of the operator are never.
func (g *gate) receive(op *openapi.Operation, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.cfg.Receiver == nil {
			next.ServeHTTP(w, r)
			return
		}
		if !op.Received {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), receivedKey{}, unmarked{})))
			return
		}
		stamp, release, err := g.cfg.Receiver.Receive()
		if err != nil {
			g.errors.Response(w, r, err)
			return
		}
		defer release()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), receivedKey{}, stamp)))
	})
}

type receivedKey struct{}

// unmarked stands for the stamp of an operation that has none.
type unmarked struct{}

// Received is the receipt of the request: when it had been read in full, by the database's clock. A strict handler reads it
// once and passes it on explicitly. Without a Receiver it is the zero value, and the time of the record counts. It panics in
// an operation that the contract does not mark with x-efa-received: its answer would count without being waited for.
func Received(ctx context.Context) event.Reception {
	switch stamp := ctx.Value(receivedKey{}).(type) {
	case event.Reception:
		return stamp
	case unmarked:
		panic("the operation is not marked with x-efa-received")
	}
	return event.Reception{}
}
