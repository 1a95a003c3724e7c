package casework

import (
	"context"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// Ledger appends events and keeps results of steps.
type Ledger interface {
	Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error)
	// AppendAhead says that a draft with this source, id, case and receipt will be appended.
	AppendAhead(tx *sqlstore.Tx, d event.Draft)
	Step(ctx context.Context, cmd engine.Command, fn func(tx *sqlstore.Tx) (engine.Result, error)) (engine.Result, error)
	Results(ctx context.Context, q sqlstore.Querier, caseID string) ([]engine.Result, error)
}

// Catalogue knows the definitions and packages that cases keep the hash of.
type Catalogue interface {
	// Deadline is the law record with this id that a process definition carries.
	Deadline(ctx context.Context, definition, id string) (law.DeadlineRecord, error)
	// OutcomeFacts declares the facts that a package lets come with an outcome.
	OutcomeFacts(ctx context.Context, hash string) (map[string]fact.Declaration, error)
}

// Ingress tells whether everything that an authority sent and that was received by an instant is in the ledger;
// Unavailable means not yet.
type Ingress interface {
	CaughtUp(ctx context.Context, tx *sqlstore.Tx, a authority.ID, due time.Time) error
}

// Routing decides whether an authority may learn that there is something for it, with a task as well (DESIGN law 4).
type Routing interface {
	// Route asks the policy before the transaction and returns what writes the record in it. Denied means that the
	// authority must not be told; that refusal is recorded already.
	Route(ctx context.Context, cmd engine.Assign) (record func(ctx context.Context, tx *sqlstore.Tx) error, err error)
}

// Contents describes stored content without opening it.
type Contents interface {
	Describe(ctx context.Context, id content.ID) (content.Object, error)
}

// Config is what casework needs.
type Config struct {
	DB        *sqlstore.DB
	Ledger    Ledger
	Catalogue Catalogue
	Routing   Routing
	Ingress   Ingress
	Contents  Contents
	Access    standing.Access
	// Due is the due instant of a period that begins at start. Defaults to the law record's own rule.
	Due func(r law.DeadlineRecord, start time.Time) *time.Time
	// Operator hosts the cases.
	Operator authority.OperatorID
}

// Casework is the domain.
type Casework struct {
	cfg  Config
	gate standing.Gate
}

// New returns the domain.
func New(cfg Config) *Casework {
	if cfg.Due == nil {
		cfg.Due = law.DeadlineRecord.Due
	}
	return &Casework{cfg: cfg, gate: standing.Gate{Access: cfg.Access}}
}

// source names the broker's own emitter of events.
func (c *Casework) source() string { return "urn:efa:operator:" + string(c.cfg.Operator) }

// engineActor is who acts when the process does.
func engineActor() actor.Actor { return actor.Actor{ID: "engine", Role: actor.Engine} }
