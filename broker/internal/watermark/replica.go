package watermark

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Tolerance is how far a replica's clock may be off the database's.
const Tolerance = time.Second

// defaultTTL is how long a replica is waited for that does not answer any more.
const defaultTTL = 6 * time.Second

// Config is what a replica needs.
type Config struct {
	// DB is the ledger's database; its clock is the one that counts.
	DB *sqlstore.DB
	// Source names the replica, new at every start: "replica/<id>".
	Source string
	// TTL is how long the lease lives without renewal; it is renewed three times as often. Defaults to 6 seconds.
	TTL time.Duration
	// Log receives renewals that failed. Defaults to discarding them.
	Log *slog.Logger
}

// Replica is this process as a source of answers.
type Replica struct {
	cfg Config

	mu      sync.Mutex
	epoch   int64
	hand    map[uint64]time.Time
	number  uint64
	last    time.Time // the latest reading of the clock that was given out
	renewed time.Time // when the lease was renewed; zero before the start
}

// New returns a replica that has no row yet.
func New(cfg Config) *Replica {
	if cfg.TTL == 0 {
		cfg.TTL = defaultTTL
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Replica{cfg: cfg, hand: map[uint64]time.Time{}}
}

// Receive stamps a request that has just been read in full. The caller calls release when whatever it became is
// committed, or never will be. Unavailable means that this replica may not receive anything now.
func (r *Replica) Receive() (stamp event.Reception, release func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ready(); err != nil {
		return event.Reception{}, nil, err
	}
	r.number++
	id := r.number
	r.hand[id] = r.read()
	return event.Reception{At: r.hand[id], Source: r.cfg.Source, Epoch: r.epoch}, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.hand, id)
	}, nil
}

// Ready reports whether this replica may receive anything.
func (r *Replica) Ready(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready()
}

// Age is how long ago an instant of time.Now was. The monotonic clock stands still while a machine is suspended, and the wall
// clock may be set back: the older of two ages counts.
func Age(at time.Time) time.Duration {
	return max(time.Since(at), time.Now().Round(0).Sub(at.Round(0)))
}

func (r *Replica) ready() error {
	if r.renewed.IsZero() || Age(r.renewed) > r.cfg.TTL {
		return contracts.Errorf(contracts.Unavailable, "receive request", "the lease of %s has not been renewed in time", r.cfg.Source)
	}
	return nil
}

// read is the clock, which never goes back by a little: no stamp is earlier than a watermark that was published before.
func (r *Replica) read() time.Time {
	now := r.cfg.DB.Now()
	if now.Before(r.last) && r.last.Sub(now) <= Tolerance {
		now = r.last
	}
	r.last = now
	return now
}

// mark is the watermark under the present epoch.
func (r *Replica) mark() (int64, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := r.read()
	for _, at := range r.hand {
		if at.Before(oldest) {
			oldest = at
		}
	}
	return r.epoch, oldest
}

// CaughtUp is CaughtUp with this replica's own watermark as of now. One that is past due already is not published again:
// expiries of one instant, as at the end of a day, need not wait for each other's row.
func (r *Replica) CaughtUp(ctx context.Context, tx *sqlstore.Tx, a authority.ID, due time.Time) error {
	epoch, mark := r.mark()
	var behind int
	err := tx.QueryRowContext(ctx, `select count(*) from watermarks where source = $1 and epoch = $2 and watermark <= $3`, r.cfg.Source, epoch, due).Scan(&behind)
	if err != nil {
		return fmt.Errorf("read watermark: %w", err)
	}
	if behind > 0 {
		if _, err := r.publish(ctx, tx, epoch, mark); err != nil {
			return err
		}
	}
	return CaughtUp(ctx, tx, a, due)
}

// publish writes watermark and lease; it reports false when the row has gone, because somebody left this replica out.
func (r *Replica) publish(ctx context.Context, tx *sqlstore.Tx, epoch int64, mark time.Time) (bool, error) {
	res, err := tx.Exec(ctx, `update watermarks set watermark = $3, expires_at = $4 where source = $1 and epoch = $2`,
		r.cfg.Source, epoch, mark, tx.Now().Add(r.cfg.TTL))
	if err != nil {
		return false, fmt.Errorf("publish watermark: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("publish watermark: %w", err)
	}
	return n == 1, nil
}
