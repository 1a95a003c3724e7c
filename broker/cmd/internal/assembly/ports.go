package assembly

import (
	"context"
	"strings"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/broker/casework"
	"github.com/efa-broker/efa-broker/broker/catalogue"
	"github.com/efa-broker/efa-broker/broker/deadletter"
	"github.com/efa-broker/efa-broker/broker/intake"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/ledger"
	"github.com/efa-broker/efa-broker/broker/reconcile"
	"github.com/efa-broker/efa-broker/broker/relay"
	"github.com/efa-broker/efa-broker/broker/release"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/workflows/permit"
)

// ports joins the domains that a process needs into one.
type ports struct {
	*casework.Casework
	ledger  *ledger.Ledger
	release *release.Release
}

var _ permit.Ports = ports{}

// Events reads what the process has missed.
func (p ports) Events(ctx context.Context, caseID string, after int64) ([]engine.Event, error) {
	return p.ledger.Events(ctx, caseID, after)
}

// Announce tells authorities that there is something for them.
func (p ports) Announce(ctx context.Context, cmd engine.Announce) (engine.Result, error) {
	return p.release.Announce(ctx, cmd)
}

// sealer is the vault as intake sees it.
type sealer struct{ *vault.Vault }

// SealCase seals what a new case brings.
func (s sealer) SealCase(ctx context.Context, c intake.NewCase) (intake.SealedCase, error) {
	return s.Vault.SealCase(ctx, vault.NewCase(c))
}

// packagesByHash lets release find the package that a case was opened with.
type packagesByHash struct{ catalogue *catalogue.Catalogue }

// Package returns NotFound when nobody has published the package here.
func (p packagesByHash) Package(ctx context.Context, hash string) (release.Package, error) {
	found, err := p.catalogue.ByHash(ctx, hash)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// routing lets casework ask release, which is made after it.
type routing struct{ *domains }

// Route decides whether an authority may learn of a task.
func (r routing) Route(ctx context.Context, cmd engine.Assign) (func(ctx context.Context, tx *sqlstore.Tx) error, error) {
	return r.release.Route(ctx, cmd)
}

// park gives a record that is no event to the dead letters.
func (b *Broker) park(ctx context.Context, rec eventlog.Record, reason error) error {
	headers := make(map[string]string, len(rec.Headers))
	for _, h := range rec.Headers {
		headers[strings.ToLower(h.Key)] = string(h.Value)
	}
	return b.domains.deadletter.Park(ctx, deadletter.Record{
		Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Headers: headers, Value: rec.Value,
	}, reason)
}

// outbox lets reconcile work through the relay.
type outbox struct{ *relay.Relay }

// Gaps lists what consumers lack.
func (o outbox) Gaps(ctx context.Context, visit func(reconcile.Gap) error) error {
	return o.Relay.Gaps(ctx, func(g relay.Gap) error { return visit(reconcile.Gap(g)) })
}

// Replay has events published again.
func (o outbox) Replay(ctx context.Context, s reconcile.Selection) (int64, error) {
	return o.Relay.Replay(ctx, relay.Selection(s))
}
