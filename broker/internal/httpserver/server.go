package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// ServerConfig says where and how long a Server serves.
type ServerConfig struct {
	// Handler answers the requests. Required.
	Handler http.Handler
	// Address is where to listen, host:port; port 0 picks a free one. Defaults to 127.0.0.1:0.
	Address string
	// Listener is used in place of Address when the address must be known before the handler is built (see Listen). The
	// server closes it; it serves for one start.
	Listener net.Listener
	// Logger receives what net/http has to say about connections. Defaults to discarding it.
	Logger *slog.Logger
	// Drain is how long Stop lets running requests finish. Defaults to 10 s.
	Drain time.Duration
	// Timeouts bound a slow caller. Each field has its own default.
	Timeouts Timeouts
}

// Timeouts say how long a connection may take, so that callers who send or read a byte now and then hold nothing.
type Timeouts struct {
	// Header is the time for the header of a request. Defaults to 5 s.
	Header time.Duration
	// Read is the time for a whole request, body included. Defaults to 60 s.
	Read time.Duration
	// Write is the time from the end of the header to the end of the answer. A long poll waits at most 30 s (OpenAPI,
	// wait_seconds), so it has to be longer. Defaults to 90 s.
	Write time.Duration
	// Idle is how long a connection is kept between two requests. Defaults to 2 minutes.
	Idle time.Duration
}

func (t Timeouts) withDefaults() Timeouts {
	for _, f := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&t.Header, 5 * time.Second}, {&t.Read, 60 * time.Second}, {&t.Write, 90 * time.Second}, {&t.Idle, 2 * time.Minute}} {
		if *f.value == 0 {
			*f.value = f.fallback
		}
	}
	return t
}

const maxHeaderBytes = 32 << 10

// ErrStarted is a Start of a server that runs.
var ErrStarted = errors.New("already started")

// Listen opens the listener of a server before its handler exists, because the issuer of the embedded OpenID provider
// contains the port.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// Server serves one handler. Start and Stop may be called in any order and number; a stopped server can be started
// again unless it was given a Listener.
type Server struct {
	cfg ServerConfig

	mu       sync.Mutex
	running  *run
	lastAddr string
}

// run is one start of the server.
type run struct {
	http     *http.Server
	draining chan struct{}
	cancel   context.CancelFunc
	done     chan struct{}
	err      error // of Serve, valid after done
}

// New returns a server that does not run yet.
func New(cfg ServerConfig) *Server {
	if cfg.Address == "" {
		cfg.Address = "127.0.0.1:0"
	}
	if cfg.Drain == 0 {
		cfg.Drain = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Timeouts = cfg.Timeouts.withDefaults()
	return &Server{cfg: cfg}
}

// Start listens and serves until Stop. It returns once connections are accepted; the values of ctx, not its
// cancellation, reach the requests. It returns ErrStarted when the server runs.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return fmt.Errorf("start HTTP server: %w", ErrStarted)
	}
	l := s.cfg.Listener
	if l == nil {
		var err error
		if l, err = Listen(ctx, s.cfg.Address); err != nil {
			return fmt.Errorf("start HTTP server: %w", err)
		}
	}
	s.lastAddr = l.Addr().String()
	s.running = s.serve(ctx, l)
	return nil
}

func (s *Server) serve(ctx context.Context, l net.Listener) *run {
	r := &run{draining: make(chan struct{}), done: make(chan struct{})}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	base = context.WithValue(base, drainingKey{}, (<-chan struct{})(r.draining))
	limit := s.cfg.Timeouts
	r.http = &http.Server{
		Handler:           s.cfg.Handler,
		ReadHeaderTimeout: limit.Header, ReadTimeout: limit.Read, WriteTimeout: limit.Write, IdleTimeout: limit.Idle,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true, // net/http would answer "OPTIONS *" itself, without an audit line
		ErrorLog:                     slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
		BaseContext:                  func(net.Listener) context.Context { return base },
	}
	go func() {
		defer close(r.done)
		if err := r.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			r.err = fmt.Errorf("serve HTTP: %w", err)
		}
	}()
	return r
}

// Addr is the address of the present or last start, host:port; "" before the first.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastAddr
}

// Done is closed when the server has ended serving, by Stop or by a fault that Stop then returns. It is nil while the
// server does not run.
func (s *Server) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil
	}
	return s.running.done
}

// Stop tells long polls to end (Draining), lets running requests finish for the drain time or until ctx ends, then
// cuts them. Stopping a server that does not run does nothing. It returns the fault that ended serving before, if any.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.running
	if r == nil {
		return nil
	}
	s.running = nil
	close(r.draining)
	drain, cancel := context.WithTimeout(ctx, s.cfg.Drain)
	defer cancel()
	err := r.http.Shutdown(drain)
	r.cancel()
	if err != nil {
		err = errors.Join(fmt.Errorf("drain HTTP server: %w", err), r.http.Close())
	}
	<-r.done
	return errors.Join(err, r.err)
}

type drainingKey struct{}

// Draining is closed when the server begins to stop. A handler that waits for something to happen selects on it and
// answers what there is. Outside of a Server it is nil, which never fires.
func Draining(ctx context.Context) <-chan struct{} {
	c, ok := ctx.Value(drainingKey{}).(<-chan struct{})
	if !ok {
		return nil
	}
	return c
}
