package ledger

import (
	"context"
	"log/slog"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Projector writes a domain's own rows for an event, inside the ledger transaction. An error rolls everything back.
type Projector func(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error

// Evidence checks rows of a domain against the ledger and returns what does not fit, one sentence each.
type Evidence func(ctx context.Context, operator authority.OperatorID) ([]string, error)

// Access answers whether a role may do something.
type Access interface {
	Allow(ctx context.Context, in decision.AccessInput) (bool, error)
}

// Config is what a ledger needs.
type Config struct {
	DB *sqlstore.DB
	// Operator hosts every case of this ledger.
	Operator authority.OperatorID
	// Key signs receipts.
	Key SigningKey
	// Projectors run for every appended event, in this order.
	Projectors []Projector
	// Evidence are further checks of Verify by domains whose rows hang on the ledger; each returns what is wrong.
	Evidence []Evidence
	// Shards is the number of relay shards. Defaults to 4.
	Shards int64
	Access Access
	Log    *slog.Logger
}

// Ledger appends and reads events.
type Ledger struct{ cfg Config }

// New returns a ledger over an open database.
func New(cfg Config) *Ledger {
	if cfg.Shards == 0 {
		cfg.Shards = 4
	}
	return &Ledger{cfg: cfg}
}

// Project registers further projectors; it is called while the program is wired, before the first append.
func (l *Ledger) Project(p ...Projector) { l.cfg.Projectors = append(l.cfg.Projectors, p...) }

// Prove registers further checks of Verify; it is called while the program is wired.
func (l *Ledger) Prove(e ...Evidence) { l.cfg.Evidence = append(l.cfg.Evidence, e...) }

// Committed returns a channel that is closed at the next commit of an event. Take it before reading, so that nothing
// committed in between is missed.
func (l *Ledger) Committed() <-chan struct{} { return l.cfg.DB.Changed(sqlstore.Events) }

func (l *Ledger) announceCommit() { l.cfg.DB.Announce(sqlstore.Events) }
