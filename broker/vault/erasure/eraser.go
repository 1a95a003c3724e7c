package erasure

import (
	"context"
	"log/slog"
	"sync"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// Ledger appends events.
type Ledger interface {
	Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error)
}

// Keys is the key store with its tenant keys.
type Keys interface {
	// DestroyKeys deletes the keys of a case and of subjects and says how many existed.
	DestroyKeys(ctx context.Context, tenant authority.TenantID, caseID string, subjects []string) (int, error)
	// Rotate puts every key of the tenant under a new version of its key.
	Rotate(ctx context.Context, tenant authority.TenantID) (version uint32, keys int64, err error)
	// BackUpKeys replaces the backup of the key store by one of now.
	BackUpKeys(ctx context.Context) error
	// Retire destroys the versions of the tenant's key below the given one.
	Retire(ctx context.Context, tenant authority.TenantID, below uint32) error
}

// Packages finds the service package with which a case was opened, by its hash.
type Packages interface {
	ByHash(ctx context.Context, hash string) (service.Package, error)
}

// Config is what erasure needs.
type Config struct {
	DB       *sqlstore.DB
	Ledger   Ledger
	Keys     Keys
	Packages Packages
	Access   standing.Access
	Operator authority.OperatorID
	// Journal is the directory of the journal: shared by all replicas and in no backup, beside the tenant keys.
	Journal string
	Log     *slog.Logger
}

// Eraser is the domain.
type Eraser struct {
	cfg     Config
	gate    standing.Gate
	journal journal
	// one erasure or rewrap at a time: the newest backup of the key store must be that of the newest version.
	mu sync.Mutex
	// reached is told after each step; tests interrupt there.
	reached func(step string) error
}

// New returns the domain. Resume is called before anything is served.
func New(cfg Config) *Eraser {
	return &Eraser{
		cfg: cfg, gate: standing.Gate{Access: cfg.Access}, journal: journal{cfg.Journal},
		reached: func(string) error { return nil },
	}
}
