package assembly

import (
	"context"
	"fmt"
	"net/http"

	"github.com/efa-broker/efa-broker/broker/audit"
	"github.com/efa-broker/efa-broker/broker/casework"
	"github.com/efa-broker/efa-broker/broker/catalogue"
	"github.com/efa-broker/efa-broker/broker/competence"
	"github.com/efa-broker/efa-broker/broker/deadletter"
	"github.com/efa-broker/efa-broker/broker/delivery"
	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/broker/intake"
	"github.com/efa-broker/efa-broker/broker/internal/backlog"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/broker/ledger"
	"github.com/efa-broker/efa-broker/broker/reconcile"
	"github.com/efa-broker/efa-broker/broker/release"
	"github.com/efa-broker/efa-broker/broker/starter"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/broker/vault/erasure"
	"github.com/efa-broker/efa-broker/policies"
)

// domains is the map of the system: every room of the broker, made once.
type domains struct {
	identity   *identity.Directory
	audit      *audit.Log
	policy     *policies.Engine
	catalogue  *catalogue.Catalogue
	competence *competence.Competence
	ledger     *ledger.Ledger
	casework   *casework.Casework
	delivery   *delivery.Delivery
	release    *release.Release
	intake     *intake.Intake
	deadletter *deadletter.DeadLetters
	reconcile  *reconcile.Reconcile
	erasure    *erasure.Eraser

	backlog *backlog.Backlog // nil until the engines are there
}

func newDomains(ctx context.Context, cfg Config, s *stores, m *metrics) (*domains, error) {
	d := &domains{}
	bundles := release.NewBundles(s.db)
	var err error
	if d.policy, err = policies.New(ctx, policies.Config{Law: s.law, Bundles: bundles}); err != nil {
		return nil, err
	}
	if err := bundles.RememberBundle(ctx, d.policy.Revision().Policy, d.policy.Bundle()); err != nil {
		return nil, fmt.Errorf("keep policy bundle: %w", err)
	}
	d.catalogue = catalogue.New(s.db, s.packages)
	d.ledger = ledger.New(ledger.Config{DB: s.db, Operator: cfg.Operator, Key: s.key, Access: d.policy, Log: cfg.Log})
	d.competence = competence.New(competence.Config{DB: s.db, Access: d.policy, Register: s.register, Packages: s.packages})
	d.casework = casework.New(casework.Config{
		DB: s.db, Ledger: d.ledger, Catalogue: d.catalogue, Routing: routing{d}, Ingress: s.replica, Contents: s.vault, Access: d.policy,
		Due: cfg.Due, Operator: cfg.Operator,
	})
	d.delivery = delivery.New(delivery.Config{
		DB: s.db, Ledger: d.ledger, Access: d.policy, Operator: cfg.Operator, Jumped: m.jumped(delivery.Consumer),
		Tracer: cfg.Tracer, Log: cfg.Log,
	})
	d.release = release.New(release.Config{
		DB: s.db, Ledger: d.ledger, Decider: d.policy, Access: d.policy, Vault: s.vault, Law: s.law, Packages: packagesByHash{d.catalogue},
		Register: d.competence, Deliveries: d.delivery, Operator: cfg.Operator, Tracer: cfg.Tracer, Log: cfg.Log,
	})
	d.intake = intake.New(intake.Config{
		DB: s.db, Ledger: d.ledger, Services: d.catalogue, Competence: d.competence, Vault: sealer{s.vault},
		Tasks: d.casework, Register: s.register, Access: d.policy, Room: d.room, Operator: cfg.Operator, Log: cfg.Log,
	})
	d.erasure = erasure.New(erasure.Config{
		DB: s.db, Ledger: d.ledger, Keys: s.vault, Packages: d.catalogue, Access: d.policy, Operator: cfg.Operator,
		Journal: vault.TenantKeys(cfg.dir().Keystore()), Log: cfg.Log,
	})
	d.deadletter = deadletter.New(deadletter.Config{DB: s.db, Ledger: d.ledger, Access: d.policy, Operator: cfg.Operator, Log: cfg.Log})
	d.reconcile = reconcile.New(reconcile.Config{
		DB: s.db, Ledger: d.ledger, Access: d.policy, Operator: cfg.Operator, Starter: starter.Consumer, Log: cfg.Log,
	})
	d.ledger.Project(s.vault.Project, d.casework.Project, d.delivery.Project, d.erasure.Project)
	d.renew()
	d.ledger.Prove(d.release.Prove)
	if err := d.seed(ctx, cfg); err != nil {
		return nil, err
	}
	return d, d.erasure.Resume(ctx)
}

// room says whether a new case may be accepted.
func (d *domains) room() error {
	if d.backlog == nil {
		return nil
	}
	return d.backlog.Room()
}

// admit makes what recognises callers and records refusals.
func (d *domains) admit(ctx context.Context, cfg Config, s *stores, g Gate) (err error) {
	d.identity, err = identity.New(ctx, identity.Config{DB: s.db, Issuer: g.Issuer, Audience: g.Audience, Keys: g.Keys, JWKSURL: g.JWKSURL})
	if err != nil {
		return err
	}
	if d.audit, err = audit.New(audit.Config{DB: s.db, Operator: cfg.Operator}); err != nil {
		return err
	}
	if err := d.identity.Seed(ctx, g.Principals); err != nil {
		return fmt.Errorf("seed principals: %w", err)
	}
	return nil
}

// seed writes what the product carries into the tables, again at every start: a second time changes nothing.
func (d *domains) seed(ctx context.Context, cfg Config) error {
	if err := d.competence.Seed(ctx, cfg.Operator); err != nil {
		return fmt.Errorf("seed authorities and competence: %w", err)
	}
	if err := d.ledger.RememberKey(ctx); err != nil {
		return fmt.Errorf("keep receipt key: %w", err)
	}
	if err := d.catalogue.Publish(ctx); err != nil {
		return fmt.Errorf("publish services: %w", err)
	}
	return nil
}

// mount is the one list of routes.
func (d *domains) mount(mux *http.ServeMux, errs httpserver.Errors) {
	for _, domain := range []interface {
		Mount(mux *http.ServeMux, errs httpserver.Errors)
	}{d.intake, d.casework, d.delivery, d.release, d.competence, d.ledger, d.deadletter, d.reconcile, d.erasure} {
		domain.Mount(mux, errs)
	}
}

// ports is what the permit process needs of the broker.
func (d *domains) ports(t *trace.Tracer) ports { return ports{d.casework, d.ledger, d.release, t} }
