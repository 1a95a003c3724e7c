package sqlstore

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
)

// setViewer tells a connection of the role efa_view whose rows it sees.
const setViewer = `select set_config('efa.operator', $1, false), set_config('efa.role', $2, false),
	set_config('efa.viewer', $3, false), set_config('efa.authority', $4, false), set_config('efa.tenant', $5, false)`

// View reads for a Viewer. On PostgreSQL it reads on a connection in the role efa_view, which sees the rows of this Viewer
// alone: a second wall behind the access policy (DESIGN decision 15).
func (d *DB) View(ctx context.Context, v actor.Viewer, fn func(q Querier) error) error {
	if d.view == nil {
		return fn(d.read)
	}
	conn, err := d.view.Conn(ctx)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "begin reading", "%w", err)
	}
	// It goes back to the pool, of which nobody takes one but here, where the next Viewer takes the place of this one.
	defer func() { _ = conn.Close() }()
	settings, err := plain([]any{v.Operator, v.Role, v.ID, v.Authority, v.Tenant})
	if err == nil {
		err = raw(conn, func(c *connection) error {
			c.first = &put{query: setViewer, args: settings}
			return nil
		})
	}
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "begin reading", "%w", err)
	}
	return fn(conn)
}
