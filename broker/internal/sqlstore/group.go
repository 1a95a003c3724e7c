package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/efa-broker/efa-broker/contracts"
)

// largestGroup is how many writers share one commit at most, so that the first of them does not wait for ever.
const largestGroup = 64

// group lets writers that come at the same time share one durable commit. SQLite has one writer, and its commit waits
// for the disk far longer than the statements take; so each writer runs its statements behind those of the others, within a
// savepoint of its own, and the last one in the queue commits for all. Whoever fails takes back its own statements alone.
// Nobody is answered before the commit, and when it fails, all are told so.
type group struct {
	db *sql.DB

	waiting atomic.Int64 // writers that will take the turn
	turn    sync.Mutex   // one writer runs its statements, or commits
	open    *shared      // the transaction that has not been committed; guarded by turn
}

// shared is one transaction of several writers.
type shared struct {
	tx      *sql.Tx
	members int
	done    chan struct{} // closed once err is known
	err     error
}

// write runs fn among others and returns once all is durable.
func (g *group) write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	s, err := g.join(ctx, fn)
	if s == nil {
		return err
	}
	<-s.done
	if s.err != nil { // what fn saw or answered may rest on another writer's statements, which are gone
		return errors.Join(s.err, err)
	}
	return passing(err)
}

// passing says of a fault of the disk or of a lock that it may pass; every other error stays as it is.
func passing(err error) error {
	fault, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch fault.Code() & 0xff { // the upper bits tell more of the same
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT,
		sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL:
		return contracts.Errorf(contracts.Unavailable, "write database", "%w", err)
	}
	return err
}

// join takes a turn: it runs fn in the open transaction and commits when nobody else waits. The transaction is nil when
// there was none, and then nothing was run.
func (g *group) join(ctx context.Context, fn func(tx *sql.Tx) error) (_ *shared, err error) {
	g.waiting.Add(1)
	g.turn.Lock()
	defer g.turn.Unlock()
	g.waiting.Add(-1)
	defer g.commitWhenLast()
	if err := ctx.Err(); err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "wait to write", "%w", err)
	}
	if g.open == nil {
		tx, err := g.db.BeginTx(context.WithoutCancel(ctx), nil)
		if err != nil {
			return nil, contracts.Errorf(contracts.Unavailable, "begin transaction", "%w", err)
		}
		g.open = &shared{tx: tx, done: make(chan struct{})}
	}
	s := g.open
	s.members++
	return s, g.run(context.WithoutCancel(ctx), s, fn)
}

// run runs fn, behind others within a savepoint. A transaction that cannot be taken back to it is lost for all its members:
// SQLite ends a transaction itself at some faults, a full disk among them.
func (g *group) run(ctx context.Context, s *shared, fn func(tx *sql.Tx) error) error {
	sound := false
	defer func() {
		if !sound {
			g.abandon()
		}
	}()
	if s.members == 1 {
		failed := fn(s.tx)
		if failed != nil {
			g.end(s.tx.Rollback())
		}
		sound = true
		return failed
	}
	if _, err := s.tx.ExecContext(ctx, `savepoint writer`); err != nil {
		return contracts.Errorf(contracts.Unavailable, "begin transaction", "%w", err)
	}
	failed := fn(s.tx)
	if failed != nil {
		if _, err := s.tx.ExecContext(ctx, `rollback to writer`); err != nil {
			return errors.Join(failed, fmt.Errorf("roll back: %w", err))
		}
	}
	if _, err := s.tx.ExecContext(ctx, `release writer`); err != nil {
		return errors.Join(failed, contracts.Errorf(contracts.Unavailable, "end transaction", "%w", err))
	}
	sound = true
	return failed
}

// end lets the members go after the open transaction was rolled back.
func (g *group) end(rolledBack error) {
	s := g.open
	g.open = nil
	if err := ignoreDone(rolledBack); err != nil {
		s.err = contracts.Errorf(contracts.Unavailable, "roll back", "%w", err)
	}
	close(s.done)
}

// abandon rolls the open transaction back and tells its members.
func (g *group) abandon() {
	g.open.err = contracts.Errorf(contracts.Unavailable, "commit transaction", "it was rolled back with that of another writer; try again")
	g.end(g.open.tx.Rollback())
}

// commitWhenLast commits when no other writer will do it.
func (g *group) commitWhenLast() {
	s := g.open
	if s == nil || g.waiting.Load() > 0 && s.members < largestGroup {
		return
	}
	g.open = nil
	if err := s.tx.Commit(); err != nil {
		s.err = contracts.Errorf(contracts.Unavailable, "commit transaction", "%w", errors.Join(err, ignoreDone(s.tx.Rollback())))
	}
	close(s.done)
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
