package httpserver

import (
	"context"
	"net/http"

	"github.com/efa-broker/efa-broker/contracts/event"
)

// Receiver stamps requests with the database's clock and keeps them in hand until they are released. It returns
// Unavailable while nothing may be received here.
type Receiver interface {
	Receive() (stamp event.Reception, release func(), err error)
}

// receive stamps a request that has been read in full, unless it only reads: a long poll brings nothing, and deadlines
// would wait for it. The request is in hand until its handler has returned: what it brought is committed then, or refused.
func (g *gate) receive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.cfg.Receiver == nil || r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
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

// Received is the receipt of the request: when it had been read in full, by the database's clock. A strict handler reads it
// once and passes it on explicitly. Without a Receiver it is the zero value, and the time of the record counts.
func Received(ctx context.Context) event.Reception {
	stamp, _ := ctx.Value(receivedKey{}).(event.Reception)
	return stamp
}
