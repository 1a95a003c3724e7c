package erasure

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/datadir"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts"
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
	mu      sync.Mutex // see alone
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

// lockFile excludes other processes, beside the journal that they share.
const lockFile = "erasures.lock"

// retry is the pause between two attempts at the lock that another process holds.
const retry = 50 * time.Millisecond

// alone waits until nobody else erases or rewraps, in this process or another one on the same journal, and runs do: of
// two who append to the journal at once one line would be lost, and the newest backup of the key store must be that of
// the newest version.
func (e *Eraser) alone(ctx context.Context, do func() error) (err error) {
	const op = "wait for other erasures"
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := os.MkdirAll(e.cfg.Journal, 0o700); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for {
		lock, err := datadir.Lock(filepath.Join(e.cfg.Journal, lockFile))
		if err == nil {
			return errors.Join(do(), lock.Close())
		}
		if contracts.KindOf(err) != contracts.Conflict {
			return err
		}
		select {
		case <-ctx.Done():
			return contracts.Errorf(contracts.Unavailable, op, "another process is at it: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
