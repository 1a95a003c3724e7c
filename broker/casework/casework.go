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
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// Ledger appends events and keeps results of steps.
type Ledger interface {
	Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error)
	Step(ctx context.Context, cmd engine.Command, fn func(tx *sqlstore.Tx) (engine.Result, error)) (engine.Result, error)
	Results(ctx context.Context, q sqlstore.Querier, caseID string) ([]engine.Result, error)
}

// Deadlines fixes a deadline whose period begins at start, under the law record that is in force at an instant.
type Deadlines interface {
	Fix(id string, at, start time.Time) (law.Deadline, error)
}

// Ingress tells whether everything that an authority sent and that was received by an instant is in the ledger;
// Unavailable means not yet.
type Ingress interface {
	CaughtUp(ctx context.Context, tx *sqlstore.Tx, a authority.ID, due time.Time) error
}

// Facts tells how the facts of a service's outcomes are declared.
type Facts interface {
	OutcomeFacts(service key.ServiceKey) map[string]fact.Declaration
}

// Contents describes stored content without opening it.
type Contents interface {
	Describe(ctx context.Context, id content.ID) (content.Object, error)
}

// Config is what casework needs.
type Config struct {
	DB        *sqlstore.DB
	Ledger    Ledger
	Deadlines Deadlines
	Ingress   Ingress
	Facts     Facts
	Contents  Contents
	Access    standing.Access
	// Operator hosts the cases.
	Operator authority.OperatorID
}

// Casework is the domain.
type Casework struct {
	cfg  Config
	gate standing.Gate
}

// New returns the domain.
func New(cfg Config) *Casework { return &Casework{cfg: cfg, gate: standing.Gate{Access: cfg.Access}} }

// source names the broker's own emitter of events.
func (c *Casework) source() string { return "urn:efa:operator:" + string(c.cfg.Operator) }

// engineActor is who acts when the process does.
func engineActor() actor.Actor { return actor.Actor{ID: "engine", Role: actor.Engine} }
