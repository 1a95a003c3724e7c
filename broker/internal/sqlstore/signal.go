package sqlstore

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Topic names what has changed; whoever waits for it looks again.
type Topic string

const (
	// Events says that an event was committed.
	Events Topic = "events"
	// Inboxes says that an item arrived in an inbox.
	Inboxes Topic = "inboxes"
)

func topics() []Topic { return []Topic{Events, Inboxes} }

// Changed returns a channel that is closed at the next Announce of the topic, by this process or, on PostgreSQL, by
// another one on the same database. Take it before reading, so that nothing is missed in between. It is a hint and may be
// lost with a connection: whoever waits looks again after some time by itself.
func (d *DB) Changed(t Topic) <-chan struct{} { return d.signals.changed(t) }

// Announce wakes those who wait for the topic. Call it after the commit; it does not block.
func (d *DB) Announce(t Topic) {
	d.signals.wake(t)
	if d.exchange != nil {
		d.exchange.send(t)
	}
}

// signals wakes the waiters of one process.
type signals struct {
	mu    sync.Mutex
	waits map[Topic]chan struct{}
}

func (s *signals) changed(t Topic) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waits == nil {
		s.waits = map[Topic]chan struct{}{}
	}
	if s.waits[t] == nil {
		s.waits[t] = make(chan struct{})
	}
	return s.waits[t]
}

func (s *signals) wake(t Topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.waits[t]; c != nil {
		close(c)
		delete(s.waits, t)
	}
}

// channel is the PostgreSQL channel over which processes tell each other.
const channel = "efa_changed"

// exchange carries announcements between processes, on connections of its own. NOTIFY serialises commits, so it never
// happens in a transaction of the ledger, and what is announced meanwhile goes as one.
type exchange struct {
	cfg      *pgx.ConnConfig
	signals  *signals
	self     string // to know one's own announcements
	outgoing map[Topic]chan struct{}
	cancel   context.CancelFunc
	tasks    sync.WaitGroup
}

func newExchange(ctx context.Context, cfg *pgx.ConnConfig, s *signals) *exchange {
	e := &exchange{cfg: cfg.Copy(), signals: s, self: uuid.NewString(), outgoing: map[Topic]chan struct{}{}}
	e.cfg.RuntimeParams["synchronous_commit"] = "off" // a hint need not survive
	ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, t := range topics() {
		e.outgoing[t] = make(chan struct{}, 1)
		e.tasks.Go(func() { e.connected(ctx, func(conn *pgx.Conn) error { return e.publish(ctx, conn, t) }) })
	}
	e.tasks.Go(func() { e.connected(ctx, func(conn *pgx.Conn) error { return e.listen(ctx, conn) }) })
	return e
}

func (e *exchange) close() {
	e.cancel()
	e.tasks.Wait()
}

func (e *exchange) send(t Topic) {
	select {
	case e.outgoing[t] <- struct{}{}:
	default: // one is waiting already and tells the same
	}
}

// reconnect is the pause before a lost connection is opened again; waiters look again by themselves meanwhile.
const reconnect = 500 * time.Millisecond

// connected runs work on a connection, again on a new one when it fails, until ctx ends.
func (e *exchange) connected(ctx context.Context, work func(*pgx.Conn) error) {
	for ctx.Err() == nil {
		if conn, err := pgx.ConnectConfig(ctx, e.cfg); err == nil {
			_ = work(conn) // it ends only with the connection or ctx
			_ = conn.Close(context.WithoutCancel(ctx))
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconnect):
		}
	}
}

func (e *exchange) publish(ctx context.Context, conn *pgx.Conn, t Topic) error {
	for {
		select {
		case <-e.outgoing[t]:
			if _, err := conn.Exec(ctx, `select pg_notify($1, $2)`, channel, e.self+" "+string(t)); err != nil {
				e.send(t)
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *exchange) listen(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `listen `+channel); err != nil {
		return err
	}
	for _, t := range topics() { // what was announced while nobody listened
		e.signals.wake(t)
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if from, topic, _ := strings.Cut(n.Payload, " "); from != e.self {
			e.signals.wake(Topic(topic))
		}
	}
}
