package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/efa-broker/efa-broker/contracts"
)

// put is a statement that waits to be sent with others.
type put struct {
	query string
	args  []any
}

// Put runs a statement of whose result only success counts. On PostgreSQL it waits until the next query of the
// transaction, or its commit, and goes with all that wait in one round trip; then its error is that of the query, or of
// Write. Whatever is read in the transaction afterwards sees what it did.
func (t *Tx) Put(ctx context.Context, query string, args ...any) error {
	if t.conn == nil {
		_, err := t.Exec(ctx, query, args...)
		return err
	}
	values := make([]any, len(args))
	for i, arg := range args {
		v, err := plain(arg)
		if err != nil {
			return fmt.Errorf("execute: argument %d: %w", i+1, err)
		}
		values[i] = v
	}
	t.waiting = append(t.waiting, put{query, values})
	return nil
}

// flush sends what waits. After an error the transaction is lost: whatever is asked next fails, and Write returns the error
// that came first.
func (t *Tx) flush(ctx context.Context) error {
	if t.failed != nil || len(t.waiting) == 0 {
		return t.failed
	}
	var batch pgx.Batch
	for _, p := range t.waiting {
		batch.Queue(p.query, p.args...)
	}
	t.waiting = nil
	if err := t.conn.Raw(func(raw any) error {
		c, ok := raw.(*connection)
		if !ok {
			return contracts.Errorf(contracts.Internal, "execute", "the driver returned a %T", raw)
		}
		if err := c.Conn.Conn().SendBatch(ctx, &batch).Close(); err != nil {
			return c.classify(ctx, err)
		}
		return nil
	}); err != nil {
		t.failed = fmt.Errorf("execute: %w", err)
	}
	return t.failed
}

// first is err, or what went wrong before it in a statement that waited.
func (t *Tx) first(err error) error {
	if err != nil && t.failed != nil && !errors.Is(err, t.failed) {
		return t.failed
	}
	return err
}

// plain is a value as PostgreSQL's driver takes it; see connection.CheckNamedValue.
func plain(value any) (any, error) {
	named := driver.NamedValue{Value: value}
	err := (*connection)(nil).CheckNamedValue(&named)
	return named.Value, err
}
