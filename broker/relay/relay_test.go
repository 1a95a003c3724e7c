package relay_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/relay"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// log records what was published; it fails the first calls as an event log does: the outcome is unknown.
type log struct {
	mu       sync.Mutex
	failures int
	lost     bool // a failing call has not written
	events   []event.Recorded
	done     chan struct{}
	want     int
}

func (l *log) Publish(_ context.Context, events ...event.Recorded) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	fail := l.failures > 0
	l.failures--
	if !fail || !l.lost {
		l.events = append(l.events, events...)
	}
	if fail {
		return errors.New("connection reset after the request was sent")
	}
	if len(l.events) >= l.want {
		select {
		case <-l.done:
		default:
			close(l.done)
		}
	}
	return nil
}

type commits struct{ wake chan struct{} }

func (c commits) Committed() <-chan struct{} { return c.wake }

func insert(t *testing.T, db *sqlstore.DB, caseID string, events int) {
	t.Helper()
	sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: caseID})
	for seq := 1; seq <= events; seq++ {
		sqlstoretest.Exec(t, db, `insert into events (case_id, case_seq, engine_seq, id, source, type, operator, tenant, actor, at, data, digest, traceparent)
			values ($1, $2, 0, $4, 's', 'de.efa.case.closed.v1', 'bayern', 'muenchen', '{}', $3, '{}', '', '')`, caseID, seq, time.Now().UTC(), caseID+"/"+strconv.Itoa(seq))
		sqlstoretest.Exec(t, db, `insert into outbox (case_id, case_seq, shard) values ($1, $2, 0)`, caseID, seq)
	}
}

func run(t *testing.T, db *sqlstore.DB, l *log) {
	t.Helper()
	r := relay.New(relay.Config{
		DB: db, Publisher: l, Commits: commits{make(chan struct{})}, Leases: lease.Keeper{DB: db, Holder: "me"}, Shards: 1,
		Poll: 5 * time.Millisecond, Batch: 3, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	<-l.done
	// What was published is marked in the transaction after it; the next turn finds nothing.
	for {
		var open int
		if err := db.Read().QueryRowContext(t.Context(), `select count(*) from outbox where published_at is null`).Scan(&open); err != nil {
			t.Fatal(err)
		}
		if open == 0 {
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestEveryEventIsPublishedInCaseOrderWhateverTheLogAnswers(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"failed calls wrote nothing": true, "failed calls had written": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := sqlstoretest.Open(t)
			insert(t, db, "c1", 5)
			insert(t, db, "c2", 4)
			l := &log{failures: 3, lost: lost, done: make(chan struct{}), want: 9}
			run(t, db, l)
			highest := map[string]int64{}
			for _, e := range l.events {
				if e.CaseSeq > highest[e.Case]+1 {
					t.Fatalf("case %s jumps from %d to %d", e.Case, highest[e.Case], e.CaseSeq)
				}
				highest[e.Case] = max(highest[e.Case], e.CaseSeq)
			}
			if highest["c1"] != 5 || highest["c2"] != 4 {
				t.Errorf("published up to %v", highest)
			}
			if lost && len(l.events) != 9 {
				t.Errorf("published %d events, want 9", len(l.events))
			}
		})
	}
}

func TestNothingIsPublishedUnderSomebodyElsesLease(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	insert(t, db, "c1", 1)
	if _, err := (lease.Keeper{DB: db, Holder: "other", TTL: time.Hour}).Acquire(t.Context(), "relay/0"); err != nil {
		t.Fatal(err)
	}
	l := &log{done: make(chan struct{}), want: 1}
	r := relay.New(relay.Config{
		DB: db, Publisher: l, Commits: commits{make(chan struct{})}, Leases: lease.Keeper{DB: db, Holder: "me", TTL: time.Hour}, Shards: 1,
		Poll: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if len(l.events) != 0 {
		t.Errorf("published %d events without the lease", len(l.events))
	}
}
