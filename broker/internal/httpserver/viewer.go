package httpserver

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts/actor"
)

type viewerKey struct{}

// Viewer is the authenticated viewer of the request. A strict handler reads it once and passes it on explicitly.
// Without one, outside the server's chain, it is the zero Viewer, which the access policy allows nothing.
func Viewer(ctx context.Context) actor.Viewer {
	v, ok := ctx.Value(viewerKey{}).(actor.Viewer)
	if !ok {
		return actor.Viewer{}
	}
	return v
}

// WithViewer returns a context that carries v. The server sets it after authentication; tests of handlers use it to
// stand in for that.
func WithViewer(ctx context.Context, v actor.Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}
