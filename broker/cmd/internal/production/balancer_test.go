//go:build linux

package production

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// balancer stands before both brokers as a load balancer does: it takes them in turn, leaves out one that was ejected, and
// answers 502 when the chosen one gives no answer. It repeats nothing: that is for the caller.
type balancer struct {
	*httptest.Server

	mu       sync.Mutex
	backends []*backend
	next     int
}

type backend struct {
	name  string
	proxy *httputil.ReverseProxy
	// ejected is closed when the backend gets no further requests.
	ejected chan struct{}
	out     bool
}

func newBalancer(t *testing.T, addresses map[string]string) *balancer {
	t.Helper()
	b := &balancer{}
	for name, address := range addresses {
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
		proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
		proxy.FlushInterval = -1
		b.backends = append(b.backends, &backend{name: name, proxy: proxy})
		b.admit(name)
	}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *balancer) find(name string) *backend {
	return b.backends[slices.IndexFunc(b.backends, func(k *backend) bool { return k.name == name })]
}

// admit lets a backend get requests again.
func (b *balancer) admit(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.find(name)
	k.out, k.ejected = false, make(chan struct{})
}

// eject gives a backend no further requests, and gives up those in hand.
func (b *balancer) eject(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.find(name)
	k.out = true
	close(k.ejected)
}

func (b *balancer) choose() (*backend, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.backends {
		k := b.backends[b.next%len(b.backends)]
		if b.next++; !k.out {
			return k, k.ejected
		}
	}
	return nil, nil
}

// ServeHTTP hands a request to the backend whose turn it is.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k, ejected := b.choose()
	if k == nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-ejected:
			cancel()
		case <-ctx.Done():
		}
	}()
	k.proxy.ServeHTTP(w, r.WithContext(ctx))
}
