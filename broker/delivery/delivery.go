package delivery

import (
	"context"
	"log/slog"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Consumer is the name under which delivery keeps its positions and consumes.
const Consumer = "efa.delivery"

// Ledger appends events and reads those that a consumer has missed.
type Ledger interface {
	Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error)
	// AppendAhead says that a draft with this source, id, case and receipt will be appended.
	AppendAhead(tx *sqlstore.Tx, d event.Draft)
	// CaseEventsAhead says that CaseEvents will be asked with these arguments.
	CaseEventsAhead(tx *sqlstore.Tx, caseID string, afterSeq int64, limit int)
	CaseEvents(ctx context.Context, q sqlstore.Querier, caseID string, afterSeq int64, limit int) ([]event.Recorded, error)
}

// Config is what delivery needs.
type Config struct {
	DB       *sqlstore.DB
	Ledger   Ledger
	Access   standing.Access
	Operator authority.OperatorID
	// Tracer makes a span per inbox row and hands traces on to back offices. Defaults to none.
	Tracer *trace.Tracer
	// Jumped is called when a record jumps over events of its case, which are then read from the ledger. Defaults to
	// nothing.
	Jumped func()
	Log    *slog.Logger
}

// Delivery is the domain.
type Delivery struct {
	cfg  Config
	gate standing.Gate
}

// New returns the domain.
func New(cfg Config) *Delivery {
	if cfg.Jumped == nil {
		cfg.Jumped = func() {}
	}
	return &Delivery{cfg: cfg, gate: standing.Gate{Access: cfg.Access}}
}

// arrived returns a channel that is closed when the next item arrives in any inbox. Take it before reading.
func (d *Delivery) arrived() <-chan struct{} { return d.cfg.DB.Changed(sqlstore.Inboxes) }

func (d *Delivery) announceArrival() { d.cfg.DB.Announce(sqlstore.Inboxes) }
