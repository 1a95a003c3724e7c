package reconcile

import (
	"context"
	"log/slog"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Log reads the event log without taking part in it.
type Log interface {
	Progress(ctx context.Context, consumer string) ([]event.Progress, error)
	Route(ctx context.Context, cases ...string) ([]int, error)
	Scan(ctx context.Context, visit func(partition int, recorded event.Recorded, reason error) error) error
}

// Gap is a case of which a consumer has not handled all published events behind After. Passed says that nothing in the
// log will bring them any more.
type Gap struct {
	Consumer string
	Case     string
	After    int64
	Passed   bool
}

// Selection says which published events are published again: of one case or of all, within bounds of case_seq (After
// excluded, UpTo included, 0 for none), published since.
type Selection struct {
	Case        string
	After, UpTo int64
	Since       time.Time
}

// Outbox is the relay's side of the ledger.
type Outbox interface {
	Gaps(ctx context.Context, visit func(Gap) error) error
	Replay(ctx context.Context, s Selection) (int64, error)
	Unpublished(ctx context.Context) (int64, error)
}

// Engine knows the processes of cases.
type Engine interface {
	Run(ctx context.Context, caseID string) (engine.Run, error)
	Resume(ctx context.Context, start engine.Start) error
	HandOver(ctx context.Context, start engine.Start, e engine.Event) error
}

// Ledger reads events that a process reacts to.
type Ledger interface {
	Events(ctx context.Context, caseID string, after int64) ([]engine.Event, error)
}

// Config is what the domain needs.
type Config struct {
	DB       *sqlstore.DB
	Ledger   Ledger
	Access   standing.Access
	Operator authority.OperatorID
	// Starter is the consumer whose positions say what was handed over to the engine.
	Starter string
	// Pause is the pause between two questions that wait for something. Defaults to 200 ms.
	Pause time.Duration
	// Silence is how long a running run may be unseen before it counts as interrupted. Defaults to 30 seconds.
	Silence time.Duration
	Log     *slog.Logger
}

// Surroundings are what the ledger is compared with.
type Surroundings struct {
	Events Log
	Outbox Outbox
	Engine Engine
}

// Reconcile is the domain.
type Reconcile struct {
	cfg    Config
	gate   standing.Gate
	around Surroundings
	wanted chan wanted
}

// wanted is a run that waits for Run.
type wanted struct {
	id     string
	repair bool
}

// New returns the domain. It answers nothing about the event log or the engine before Among.
func New(cfg Config) *Reconcile {
	if cfg.Pause == 0 {
		cfg.Pause = 200 * time.Millisecond
	}
	if cfg.Silence == 0 {
		cfg.Silence = 30 * time.Second
	}
	return &Reconcile{cfg: cfg, gate: standing.Gate{Access: cfg.Access}, wanted: make(chan wanted, 1)}
}

// Among names the surroundings; it is called while the program is wired, before Run.
func (r *Reconcile) Among(s Surroundings) { r.around = s }

// Run carries out what is started here until ctx ends, and returns nil.
func (r *Reconcile) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case w := <-r.wanted:
			r.carryOut(ctx, w)
		}
	}
}
