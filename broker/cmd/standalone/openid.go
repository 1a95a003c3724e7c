package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/assembly"
	"github.com/efa-broker/efa-broker/broker/competence"
	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/openid"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/region"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// openid serves the OpenID provider alone, for brokers that run on outside engines: the same code over the same files as
// within the standalone broker.
func (m Main) openid(ctx context.Context, cfg config.Provider, _ config.Origins) (err error) {
	say(m.Stdout, "OpenID-Anbieter als eigener Prozess: zum Ausprobieren und für kleine Häuser; für den Betrieb Keycloak verwenden.\n")
	log := logger(m.Stderr, cfg.Log)
	server, issuer, done, err := startOpenID(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.ShutdownTimeout)
		defer cancel()
		err = errors.Join(err, server.Stop(stop), done())
	}()
	say(m.Stdout, "Bereit.  OpenID %s   Daten %s\n", issuer, cfg.Data)
	select {
	case <-ctx.Done():
		say(m.Stdout, "Der OpenID-Anbieter wird beendet …\n")
	case <-server.Done():
	}
	return nil
}

// startOpenID opens the listener first, because the issuer contains its port. done releases the provider's files.
func startOpenID(ctx context.Context, cfg config.Provider, log *slog.Logger) (server *httpserver.Server, issuer string, done func() error, err error) {
	if err := makePrivate(cfg.Data); err != nil {
		return nil, "", nil, err
	}
	listener, err := httpserver.Listen(ctx, cfg.Listen)
	if err != nil {
		return nil, "", nil, err
	}
	issuer = "http://" + listener.Addr().String() + "/oidc"
	provider, err := openProvider(cfg, issuer, log)
	if err != nil {
		return nil, "", nil, errors.Join(err, listener.Close())
	}
	server = httpserver.New(httpserver.ServerConfig{
		Listener: listener, Handler: httpserver.Plain(provider.Pattern(), provider.Handler()), Logger: log,
	})
	if err := server.Start(ctx); err != nil {
		return nil, "", nil, errors.Join(err, provider.Close())
	}
	return server, issuer, provider.Close, nil
}

// openProvider registers the operator, the portal and every authority of the embedded register, and the demo's case
// workers. It needs no ledger, so it can run before there is one.
func openProvider(cfg config.Provider, issuer string, log *slog.Logger) (*openid.Provider, error) {
	authorities, err := carriedAuthorities(authority.OperatorID(cfg.Operator))
	if err != nil {
		return nil, err
	}
	people, err := ensurePeople(filepath.Join(cfg.Data, "people.json"))
	if err != nil {
		return nil, err
	}
	if err := writePrincipals(filepath.Join(cfg.Data, "principals.json"), people); err != nil {
		return nil, err
	}
	clients, err := registerClients(filepath.Join(cfg.Data, "clients"), assembly.Machines(authority.OperatorID(cfg.Operator), authorities), cfg.CallbackAddresses()...)
	if err != nil {
		return nil, err
	}
	return openid.New(openid.Config{
		Dir: filepath.Join(cfg.Data, "openid"), Issuer: issuer, Clients: clients, People: asOpenID(people), Logger: log,
	})
}

// principal is a person who may speak to a broker, as a broker on outside engines reads it (its setting principals).
type principal struct {
	ID        string             `json:"id"`
	Kind      identity.Kind      `json:"kind"`
	Role      actor.Role         `json:"role"`
	Tenant    authority.TenantID `json:"tenant"`
	Authority authority.ID       `json:"authority"`
}

// writePrincipals tells those brokers who can log in here, and for which authority.
func writePrincipals(path string, people []person) error {
	listed := make([]principal, len(people))
	for i, p := range peopleAsPrincipals(people) {
		listed[i] = principal{p.ID, p.Kind, p.Role, p.Tenant, p.Authority}
	}
	raw, err := json.MarshalIndent(listed, "", "  ")
	if err != nil {
		return fmt.Errorf("encode principals: %w", err)
	}
	return writeFile(path, raw)
}

func carriedAuthorities(operator authority.OperatorID) ([]authority.Authority, error) {
	register, err := region.Load()
	if err != nil {
		return nil, fmt.Errorf("load register of areas: %w", err)
	}
	packages, err := service.Load()
	if err != nil {
		return nil, fmt.Errorf("load services: %w", err)
	}
	return competence.Carried(register, packages, operator)
}
