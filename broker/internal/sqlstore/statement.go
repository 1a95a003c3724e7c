package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// mostStatements is how many statements a connection to SQLite keeps prepared; the broker has fewer.
const mostStatements = 400

// preparing opens connections to SQLite that keep each statement prepared: parsing takes as long as running most of them.
type preparing struct {
	driver driver.Driver
	dsn    string
}

// openPreparing opens a pool of such connections.
func openPreparing(dsn string) (*sql.DB, error) {
	plain, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	found := plain.Driver()
	return sql.OpenDB(preparing{driver: found, dsn: dsn}), plain.Close()
}

// Driver implements driver.Connector.
func (p preparing) Driver() driver.Driver { return p.driver }

// Connect implements driver.Connector.
func (p preparing) Connect(context.Context) (driver.Conn, error) {
	conn, err := p.driver.Open(p.dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	whole, ok := conn.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("open database: the driver returned a %T", conn), conn.Close())
	}
	return &preparedConn{sqliteConn: whole, kept: map[string]*preparedStmt{}}, nil
}

// sqliteConn is what the driver's connections can do.
type sqliteConn interface { //nolint:interfacebloat // it is the list of what database/sql looks for
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// preparedConn is one connection. As every connection, it is used by one goroutine at a time.
type preparedConn struct {
	sqliteConn
	kept map[string]*preparedStmt
}

// preparedStmt is a statement that is kept. It is busy while somebody reads its rows.
type preparedStmt struct {
	sqliteStmt
	busy bool
}

// sqliteStmt is what the driver's statements can do.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// ExecContext implements driver.ExecerContext.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	kept, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if kept == nil {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	return kept.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	kept, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if kept == nil {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	rows, err := kept.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	kept.busy = true
	return &preparedRows{Rows: rows, of: kept}, nil
}

// statement is the kept statement of a query, which is prepared when it comes first; nil when it is not to be kept, or is
// being read from.
func (c *preparedConn) statement(ctx context.Context, query string) (*preparedStmt, error) {
	if kept, ok := c.kept[query]; ok {
		if kept.busy {
			return nil, nil //nolint:nilnil // the caller runs the query by itself
		}
		return kept, nil
	}
	if len(c.kept) == mostStatements || !comesAgain(query) {
		return nil, nil //nolint:nilnil // the caller runs the query by itself
	}
	stmt, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	whole, ok := stmt.(sqliteStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("prepare: the driver returned a %T", stmt), stmt.Close())
	}
	c.kept[query] = &preparedStmt{sqliteStmt: whole}
	return c.kept[query], nil
}

// comesAgain tells the statements of the domains from those of migrations and pragmas.
func comesAgain(query string) bool {
	word, _, _ := strings.Cut(query, " ")
	switch word {
	case "select", "insert", "update", "delete", "with", "savepoint", "release", "rollback":
		return true
	}
	return false
}

// Close implements driver.Conn.
func (c *preparedConn) Close() error {
	var errs []error
	for _, kept := range c.kept {
		errs = append(errs, kept.Close())
	}
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// preparedRows are the rows of a kept statement, which is free again when they are closed.
type preparedRows struct {
	driver.Rows
	of *preparedStmt
}

// Close implements driver.Rows.
func (r *preparedRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}
