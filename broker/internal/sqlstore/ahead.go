package sqlstore

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Ahead says that a query will be asked before the transaction writes or locks again. On PostgreSQL it then goes with
// whatever waits at the next query, in one round trip, behind the locks of the statements before it; elsewhere this does
// nothing. A query that is asked otherwise after all, or behind a write, is asked as if this had not been called.
func (t *Tx) Ahead(query string, args ...any) {
	if t.line != nil {
		t.line.ahead(query, args)
	}
}

func (l *line) ahead(query string, args []any) {
	values, err := plain(args)
	if err != nil {
		return // whoever asks is told
	}
	p := put{query: query, args: values, asks: true}
	if !l.knows(p) {
		l.waiting = append(l.waiting, p)
	}
}

// knows reports whether the answer to p is there, or on its way, and nothing waits behind it that could change it.
func (l *line) knows(p put) (yes bool) {
	for _, w := range slices.Backward(l.waiting) {
		if !w.asks || p.same(w) {
			return w.asks
		}
	}
	if len(l.waiting) > 0 || !l.begun {
		return false
	}
	_ = raw(l.conn, func(c *connection) error {
		yes = c.find(p) >= 0
		return nil
	})
	return yes
}

// flushWith sends what waits, if anything, and the query with it.
func (l *line) flushWith(ctx context.Context, query string, args []any) error {
	if l != nil && len(l.waiting) > 0 {
		l.ahead(query, args)
	}
	return l.flush(ctx)
}

// same reports whether both are one statement with one list of arguments.
func (p put) same(q put) bool { return p.query == q.query && reflect.DeepEqual(p.args, q.args) }

// answer is what came back for a query before database/sql asked it.
type answer struct {
	to      put
	columns []string
	rows    [][]driver.Value
}

// readAnswer reads what database/sql would read, but for types that no table has: of json, uuid and arrays it makes an error.
func readAnswer(results pgx.BatchResults, p put) (answer, error) {
	rows, err := results.Query()
	if err != nil {
		return answer{}, err
	}
	defer rows.Close()
	out := answer{to: p}
	for _, f := range rows.FieldDescriptions() {
		out.columns = append(out.columns, f.Name)
	}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return answer{}, err
		}
		row := make([]driver.Value, len(values))
		for i, v := range values {
			if row[i], err = driver.DefaultParameterConverter.ConvertValue(v); err != nil {
				return answer{}, err
			}
		}
		out.rows = append(out.rows, row)
	}
	return out, rows.Err()
}

// take hands the kept answer to a query out, once; nil when there is none.
func (c *connection) take(asked put) driver.Rows {
	i := c.find(asked)
	if i < 0 {
		return nil
	}
	found := c.kept[i]
	c.kept = slices.Delete(c.kept, i, i+1)
	return &keptRows{answer: found}
}

func (c *connection) find(asked put) int {
	return slices.IndexFunc(c.kept, func(a answer) bool { return asked.same(a.to) })
}

// askedBy is a query as database/sql passes it on.
func askedBy(query string, args []driver.NamedValue) put {
	p := put{query: query, args: make([]any, len(args)), asks: true}
	for i, arg := range args {
		p.args[i] = arg.Value
	}
	return p
}

// forgetUnlessRead forgets the answers that were kept when p may write, as insert with returning does.
func (c *connection) forgetUnlessRead(p put) {
	if word, _, _ := strings.Cut(p.query, " "); !p.asks || word != "select" {
		c.kept = nil
	}
}

// keptRows are the rows of an answer.
type keptRows struct {
	answer
	next int
}

// Columns implements driver.Rows.
func (r *keptRows) Columns() []string { return r.columns }

// Close implements driver.Rows.
func (r *keptRows) Close() error { return nil }

// Next implements driver.Rows.
func (r *keptRows) Next(dest []driver.Value) error {
	if r.next == len(r.rows) {
		return io.EOF
	}
	copy(dest, r.rows[r.next])
	r.next++
	return nil
}
