package localtemporal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/temporal"

	"github.com/efa-broker/efa-broker/contracts"
)

// Server is a Temporal server inside this process.
type Server struct {
	cfg Config
	// choose finds ports; a test lets it lose a race.
	choose func(frontend int) (ports, error)

	mu       sync.Mutex
	running  temporal.Server
	lock     io.Closer
	hostPort string
}

// New builds a server; nothing happens before Start.
func New(cfg Config) *Server { return &Server{cfg: cfg.withDefaults(), choose: freePorts} }

// startPatience bounds a start; on an idle machine it takes less than a second.
const startPatience = time.Minute

// Start takes the directory or the databases, starts the server and returns when its namespace answers. It fails with
// Conflict when the server runs, when another process has the data, or when they are of another version, and with
// Unavailable when a port is taken or PostgreSQL does not answer. After a failed Start or a Stop it may be called again.
func (s *Server) Start(ctx context.Context) (err error) {
	const op = "start process engine"
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return contracts.Errorf(contracts.Conflict, op, "started before")
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if s.lock, err = s.take(ctx); err != nil {
		return &contracts.Error{Kind: contracts.KindOf(err), Op: op, Err: err}
	}
	if err := s.launch(); err != nil {
		// Another program may have taken a port between its choice and the server's listening.
		if err = s.launch(); err != nil {
			return errors.Join(contracts.Errorf(contracts.Unavailable, op, "%w", err), s.unlock())
		}
	}
	if err := provision(ctx, s.hostPort, s.cfg); err != nil {
		return errors.Join(contracts.Errorf(contracts.Unavailable, op, "provision namespace: %w", err), s.halt(ctx))
	}
	return nil
}

// take prepares the place of the data and takes it for this process; nil for a server in memory.
func (s *Server) take(ctx context.Context) (io.Closer, error) {
	switch {
	case s.cfg.PostgreSQL != nil && s.cfg.Dir != "":
		return nil, contracts.Errorf(contracts.Invalid, "choose place of data", "want a directory or PostgreSQL, not both")
	case s.cfg.PostgreSQL != nil:
		return closer(s.cfg.PostgreSQL.prepare(ctx))
	case s.cfg.Dir != "":
		return closer(takeDir(ctx, s.cfg.Dir))
	}
	return nil, nil //nolint:nilnil // memory belongs to nobody else
}

// closer keeps a nil pointer from becoming something to close.
func closer[T io.Closer](held T, err error) (io.Closer, error) {
	if err != nil {
		return nil, err
	}
	return held, nil
}

func takeDir(ctx context.Context, dir string) (io.Closer, error) {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// launch starts the services on ports that are free now.
func (s *Server) launch() (err error) {
	p, err := s.choose(s.cfg.Port)
	if err != nil {
		return fmt.Errorf("find ports: %w", err)
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case fatal:
			err = fmt.Errorf("the server gave up: %s", p)
		default:
			panic(p)
		}
	}()
	log := logger{slog: s.cfg.Logger}
	cfg := settings(s.cfg, p, uuid.NewString())
	authorizer, err := authorization.GetAuthorizerFromConfig(&cfg.Global.Authorization)
	if err != nil {
		return err
	}
	claims, err := authorization.GetClaimMapperFromConfig(&cfg.Global.Authorization, log)
	if err != nil {
		return err
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(p.hosts()),
		temporal.WithLogger(log),
		temporal.WithAuthorizer(authorizer),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return claims }),
		temporal.WithDynamicConfigClient(tuning()),
	)
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return errors.Join(err, server.Stop())
	}
	s.running, s.hostPort = server, address(p.frontend)
	return nil
}

// HostPort is the address of the frontend; empty while the server does not run.
func (s *Server) HostPort() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return ""
	}
	return s.hostPort
}

// Stop stops the server, which takes about a second, and gives the directory back. Workers and clients are to be stopped
// before. It may be called at any time and any number of times. When ctx ends first its error is returned, and the
// directory stays taken until the process ends.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil
	}
	return s.halt(ctx)
}

func (s *Server) halt(ctx context.Context) error {
	const op = "stop process engine"
	server := s.running
	s.running = nil
	stopped := make(chan error, 1)
	go func() { stopped <- server.Stop() }()
	select {
	case err := <-stopped:
		if err = errors.Join(err, s.unlock()); err != nil {
			return contracts.Errorf(contracts.Internal, op, "%w", err)
		}
		return nil
	case <-ctx.Done():
		return contracts.Errorf(contracts.Unavailable, op, "%w", ctx.Err())
	}
}

func (s *Server) unlock() error {
	if s.lock == nil {
		return nil
	}
	f := s.lock
	s.lock = nil
	return f.Close()
}
