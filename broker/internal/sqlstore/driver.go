package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/efa-broker/efa-broker/contracts"
)

// connector opens connections to PostgreSQL that take arguments as SQLite's driver does and whose errors have a kind.
type connector struct{ driver.Connector }

func newConnector(cfg *pgx.ConnConfig) connector { return connector{stdlib.GetConnector(*cfg)} }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "connect to database", "%w", err)
	}
	pg, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, contracts.Errorf(contracts.Internal, "connect to database", "the driver returned a %T", conn)
	}
	return &connection{Conn: pg}, nil
}

// connection is one connection to PostgreSQL.
type connection struct {
	*stdlib.Conn
	// first is a statement that goes with the next query, before it.
	first *put
	// lost is why the transaction on it is lost; until it is rolled back, that is the answer to everything.
	lost error
	// kept are answers to queries that went ahead. Whatever else is run makes them stale.
	kept []answer
}

// CheckNamedValue implements driver.NamedValueChecker: named types become what they are made of, and instants are UTC,
// because a timestamp without zone keeps the digits of whatever zone it is given in.
func (c *connection) CheckNamedValue(v *driver.NamedValue) error {
	value, err := driver.DefaultParameterConverter.ConvertValue(v.Value)
	if err != nil {
		return err
	}
	if at, ok := value.(time.Time); ok {
		value = at.UTC()
	}
	v.Value = value
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *connection) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.kept = nil
	if query == undo {
		c.lost = nil
	}
	if c.lost != nil {
		return nil, c.lost
	}
	res, err := c.Conn.ExecContext(ctx, query, args)
	if err != nil {
		return nil, c.classify(ctx, err)
	}
	return res, nil
}

// QueryContext implements driver.QueryerContext.
func (c *connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.lost != nil {
		return nil, c.lost
	}
	asked := askedBy(query, args)
	if c.first != nil {
		if err := c.send(ctx, []put{*c.first, asked}); err != nil {
			return nil, err // and the next query brings it again
		}
		c.first = nil
	}
	if found := c.take(asked); found != nil {
		return found, nil
	}
	c.forgetUnlessRead(asked)
	rows, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, c.classify(ctx, err)
	}
	return rows, nil
}

// classify gives an error of the database its kind: what passes is Unavailable, a text that PostgreSQL cannot hold is
// Invalid, everything else stays without one.
func (c *connection) classify(ctx context.Context, err error) error {
	const op = "ask database"
	switch {
	case ctx.Err() != nil:
		return err
	case sqlState(err) == "22021": // a NUL, or bytes that are no UTF-8
		return contracts.Errorf(contracts.Invalid, op, "%w", err)
	case passes(sqlState(err)), c.Conn.Conn().IsClosed(), disconnected(err):
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return err
}

// sqlState is PostgreSQL's code of an error; empty when the database did not send one.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// passes reports whether a code tells of a state that ends by itself.
func passes(code string) bool {
	if len(code) != 5 {
		return false
	}
	switch code[:2] {
	case "08", // connection
		"40", // lost against another transaction
		"53", // out of disk, memory or connections
		"57", // shutting down, starting, cancelled
		"58": // its file system
		return true
	}
	return code == "55P03" || // lock not available in time
		code == "25006" // a standby: it became read-only
}

func disconnected(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// lost reports whether a transaction lost against another one and may be run again: serialization, deadlock, or a row
// that the other one inserted first, which the next run finds.
func lost(err error) bool {
	switch sqlState(err) {
	case "40001", "40P01", "23505":
		return true
	}
	return false
}
