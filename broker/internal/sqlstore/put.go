package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/efa-broker/efa-broker/contracts"
)

// Put runs a statement of whose result only success counts. On PostgreSQL it waits until the next query of the
// transaction, or its commit, and goes with all that wait in one round trip; then its error is that of the query, or of
// Write. Whatever is read in the transaction afterwards sees what it did.
func (t *Tx) Put(ctx context.Context, query string, args ...any) error {
	if t.line == nil {
		_, err := t.Exec(ctx, query, args...)
		return err
	}
	return t.line.put(query, args)
}

// line is a transaction on a connection to PostgreSQL whose statements wait for each other: begin for the first of them,
// and the last for commit.
type line struct {
	conn    *sql.Conn
	waiting []put
	begun   bool  // begin was sent
	failed  error // what went wrong first in a statement that waited; then the transaction is lost
}

// put is a statement that waits; with asks it is a query whose answer is kept.
type put struct {
	query string
	args  []any
	asks  bool
}

// rollbackTimeout bounds the end of a transaction that failed; its caller may be gone already.
const rollbackTimeout = 5 * time.Second

// writeAlone runs fn in a transaction on a connection of its own.
func (d *DB) writeAlone(ctx context.Context, fn func(tx *Tx) error) (_ *Tx, err error) {
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "begin transaction", "%w", err)
	}
	defer func() { _ = conn.Close() }() // it goes back to the pool, which takes none that is still in a transaction
	tx := &Tx{on: conn, db: d, line: &line{conn: conn, waiting: []put{{query: "begin"}}}}
	ended := false
	defer func() {
		if !ended {
			_ = tx.line.rollback(ctx) // fn panicked
		}
	}()
	err = fn(tx)
	if err == nil {
		err = tx.line.commit(ctx)
	}
	ended = true
	if err == nil {
		return tx, nil
	}
	err = tx.line.first(err)
	if undone := tx.line.rollback(ctx); undone != nil && ctx.Err() == nil {
		return nil, errors.Join(err, fmt.Errorf("roll back: %w", undone))
	}
	return nil, err
}

func (l *line) put(query string, args []any) error {
	values, err := plain(args)
	if err != nil {
		return fmt.Errorf("execute: %w", err)
	}
	l.waiting = append(l.waiting, put{query: query, args: values})
	return nil
}

// flush sends what waits. After an error whatever is asked next fails, and Write returns the error that came first.
func (l *line) flush(ctx context.Context) error {
	if l == nil || l.failed != nil || len(l.waiting) == 0 {
		return l.failure()
	}
	waiting := l.waiting
	l.waiting, l.begun = nil, true
	l.failed = raw(l.conn, func(c *connection) error {
		if err := c.send(ctx, waiting); err != nil {
			c.lost = fmt.Errorf("execute: %w", err)
		}
		return c.lost
	})
	return l.failed
}

func (l *line) failure() error {
	if l == nil {
		return nil
	}
	return l.failed
}

// errUndone is a commit that PostgreSQL answered by rolling back, because a statement had failed before.
var errUndone = errors.New("the transaction was rolled back")

// raw gives fn the driver's connection.
func raw(conn *sql.Conn, fn func(c *connection) error) error {
	return conn.Raw(func(raw any) error {
		c, ok := raw.(*connection)
		if !ok {
			return contracts.Errorf(contracts.Internal, "execute", "the driver returned a %T", raw)
		}
		return fn(c)
	})
}

// send runs statements in order, in one round trip. The first that fails ends it. Answers that were kept before are gone.
func (c *connection) send(ctx context.Context, waiting []put) error {
	c.kept = nil
	var batch pgx.Batch
	for _, p := range waiting {
		batch.Queue(p.query, p.args...)
	}
	results := c.Conn.Conn().SendBatch(ctx, &batch)
	for _, p := range waiting {
		if err := c.result(results, p); err != nil {
			_ = results.Close() // it repeats the error
			return c.classify(ctx, err)
		}
	}
	if err := results.Close(); err != nil {
		return c.classify(ctx, err)
	}
	return nil
}

// result reads what came back for a statement.
func (c *connection) result(results pgx.BatchResults, p put) error {
	c.forgetUnlessRead(p)
	if p.asks {
		found, err := readAnswer(results, p)
		if err == nil {
			c.kept = append(c.kept, found)
		}
		return err
	}
	tag, err := results.Exec()
	if err == nil && p.query == "commit" && tag.String() != "COMMIT" {
		return errUndone
	}
	return err
}

// commit ends the transaction; of one that did nothing nothing was sent.
func (l *line) commit(ctx context.Context) error {
	if !l.begun && len(l.waiting) == 1 {
		l.waiting = nil
		return nil
	}
	l.waiting = append(l.waiting, put{query: "commit"})
	err := l.flush(ctx)
	if err == nil {
		l.begun = false
		return nil
	}
	// Without an answer of the database it is not known whether it was committed; that it was undone is for the caller the same.
	if contracts.KindOf(err) == contracts.Internal && sqlState(err) == "" {
		return contracts.Errorf(contracts.Unavailable, "commit transaction", "%w", err)
	}
	return err
}

// undo is the one statement that a lost transaction takes.
const undo = "rollback"

// rollback ends a transaction that failed.
func (l *line) rollback(ctx context.Context) error {
	l.waiting = nil
	if !l.begun {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_, err := l.conn.ExecContext(ctx, undo)
	return err
}

// first is err, or what went wrong before it in a statement that waited.
func (l *line) first(err error) error {
	if l.failed != nil && !errors.Is(err, l.failed) {
		return l.failed
	}
	return err
}

// plain are arguments as PostgreSQL's driver takes them; see connection.CheckNamedValue.
func plain(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, arg := range args {
		named := driver.NamedValue{Value: arg}
		if err := (*connection)(nil).CheckNamedValue(&named); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		out[i] = named.Value
	}
	return out, nil
}
