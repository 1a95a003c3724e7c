package deadletter

import (
	"context"
	"log/slog"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Ledger reads events as they were recorded.
type Ledger interface {
	CaseEvents(ctx context.Context, q sqlstore.Querier, caseID string, afterSeq int64, limit int) ([]event.Recorded, error)
}

// Outbox publishes the events of a case again.
type Outbox interface {
	ReplayCase(ctx context.Context, caseID string) (int64, error)
}

// Config is what the domain needs.
type Config struct {
	DB       *sqlstore.DB
	Ledger   Ledger
	Access   standing.Access
	Operator authority.OperatorID
	// Pause is the pause after the first of several attempts; it doubles with each. Defaults to 100 ms.
	Pause time.Duration
	// Interval is how often Run looks for parked letters that this program can handle. Defaults to one minute.
	Interval time.Duration
	Log      *slog.Logger
}

// DeadLetters is the domain.
type DeadLetters struct {
	cfg    Config
	gate   standing.Gate
	outbox Outbox
}

// New returns the domain. Outbox is set before the first Resend and before Run.
func New(cfg Config) *DeadLetters {
	if cfg.Pause == 0 {
		cfg.Pause = 100 * time.Millisecond
	}
	if cfg.Interval == 0 {
		cfg.Interval = time.Minute
	}
	return &DeadLetters{cfg: cfg, gate: standing.Gate{Access: cfg.Access}}
}

// Through names who publishes again; it is called while the program is wired.
func (d *DeadLetters) Through(o Outbox) { d.outbox = o }
