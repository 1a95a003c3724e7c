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
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/broker/ledger"
	"github.com/efa-broker/efa-broker/broker/reconcile"
	"github.com/efa-broker/efa-broker/broker/relay"
	"github.com/efa-broker/efa-broker/broker/release"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/workflows/permit"
)

// ports joins the domains that a process needs into one, and makes a span of each call.
type ports struct {
	casework *casework.Casework
	ledger   *ledger.Ledger
	release  *release.Release
	tracer   *trace.Tracer
}

var _ permit.Ports = ports{}

// Load reads what a process needs to know of its case.
func (p ports) Load(ctx context.Context, caseID string) (c engine.Case, err error) {
	ctx, span := p.tracer.Start(ctx, trace.CaseLoad, trace.Case(caseID))
	defer func() { span.End(err) }()
	return p.casework.Load(ctx, caseID)
}

// Events reads what the process has missed.
func (p ports) Events(ctx context.Context, caseID string, after int64) (events []engine.Event, err error) {
	ctx, span := p.tracer.Start(ctx, trace.EventsRead, trace.Case(caseID))
	defer func() { span.Note(trace.Count(len(events))); span.End(err) }()
	return p.ledger.Events(ctx, caseID, after)
}

// Assign gives a task to an authority.
func (p ports) Assign(ctx context.Context, cmd engine.Assign) (r engine.Result, err error) {
	ctx, span := p.step(ctx, trace.TaskAssign, cmd.Command)
	span.Note(trace.Authority(string(cmd.Authority)))
	defer func() { span.End(undecided(err)) }()
	return p.casework.Assign(ctx, cmd)
}

// Expire records that silence ended a task.
func (p ports) Expire(ctx context.Context, cmd engine.Expire) (r engine.Result, err error) {
	ctx, span := p.step(ctx, trace.TaskExpire, cmd.Command)
	defer func() { span.End(err) }()
	return p.casework.Expire(ctx, cmd)
}

// Announce tells authorities that there is something for them. Its span does not say how many: that would give away a
// sensitive fact on which the decision rests.
func (p ports) Announce(ctx context.Context, cmd engine.Announce) (r engine.Result, err error) {
	ctx, span := p.step(ctx, trace.PartiesAnnounce, cmd.Command)
	defer func() { span.End(err) }()
	return p.release.Announce(ctx, cmd)
}

// Move brings the case into a procedural state.
func (p ports) Move(ctx context.Context, cmd engine.Move) (r engine.Result, err error) {
	ctx, span := p.step(ctx, trace.CaseMove, cmd.Command)
	span.Note(trace.Outcome(string(cmd.State)))
	defer func() { span.End(err) }()
	return p.casework.Move(ctx, cmd)
}

// undecided leaves a denial out of a span: whether an authority may learn of a case can say what a sensitive fact is.
func undecided(err error) error {
	if contracts.KindOf(err) == contracts.Denied {
		return nil
	}
	return err
}

func (p ports) step(ctx context.Context, name trace.Name, cmd engine.Command) (context.Context, trace.Span) {
	return p.tracer.Start(ctx, name, trace.Case(cmd.Case), trace.Step(cmd.Step), trace.Pass(cmd.Pass))
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
	return b.domains.deadletter.Park(ctx, deadletter.Record{
		Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Headers: lastOf(rec.Headers), Value: rec.Value,
	}, reason)
}

// lastOf keeps the last of each header, keys in lower case.
func lastOf[H ~struct {
	Key   string
	Value []byte
}](headers []H) map[string]string {
	out := make(map[string]string, len(headers))
	for _, h := range headers {
		plain := eventlog.Header(h)
		out[strings.ToLower(plain.Key)] = string(plain.Value)
	}
	return out
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
