package casework

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// selectCases reads a case with what its status needs: whether a task was assigned, whether every announcement has become
// a delivery row, and whether the process has still to be told of an event.
const selectCases = `select c.id, c.operator, c.tenant, c.service, c.state, c.lead, c.received_at, c.closed_at, e.erased_at, c.attention,
	exists (select 1 from tasks t where t.case_id = c.id),
	(select count(*) from deliveries d where d.case_id = c.id and d.kind = 'announcement') >= c.announcements,
	c.closed_at is null and exists (select 1 from events v where v.case_id = c.id and v.engine_seq > 0
		and v.case_seq > coalesce((select p.case_seq from consumer_positions p where p.consumer = 'efa.starter' and p.case_id = c.id), 0))
	from cases c left join erased_cases e on e.case_id = c.id`

type scanner interface{ Scan(dest ...any) error }

func scanCase(row scanner) (procedure.Case, error) {
	c := procedure.Case{Linked: []string{}}
	var closed, erased sql.NullTime
	var assigned, delivered bool
	err := row.Scan(&c.ID, &c.Operator, &c.Tenant, &c.Service, &c.State, &c.Lead, &c.ReceivedAt, &closed, &erased, &c.Attention, &assigned, &delivered, &c.WaitingForEngine)
	if err != nil {
		return c, err
	}
	c.ReceivedAt = c.ReceivedAt.UTC()
	if closed.Valid {
		at := closed.Time.UTC()
		c.ClosedAt = &at
	}
	if erased.Valid {
		at := erased.Time.UTC()
		c.ErasedAt = &at
	}
	c.Status = procedure.Project(c.State, assigned, delivered)
	return c, nil
}

// Case reads one case for v.
func (c *Casework) Case(ctx context.Context, v actor.Viewer, id string) (found procedure.Case, err error) {
	err = c.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		found, err = c.readCase(ctx, q, v, id)
		return err
	})
	return found, err
}

func (c *Casework) readCase(ctx context.Context, q sqlstore.Querier, v actor.Viewer, id string) (procedure.Case, error) {
	rel, err := c.gate.Case(ctx, q, v, id, decision.CaseRead)
	if err != nil {
		return procedure.Case{}, err
	}
	found, err := scanCase(q.QueryRowContext(ctx, selectCases+` where c.id = $1`, id))
	if err != nil {
		return procedure.Case{}, fmt.Errorf("read case %s: %w", id, err)
	}
	if rel != decision.Participant {
		if err := links(ctx, q, &found); err != nil {
			return procedure.Case{}, err
		}
	}
	return found, nil
}

// Cases lists up to limit cases that v may see behind the cursor after, oldest first.
func (c *Casework) Cases(ctx context.Context, v actor.Viewer, after string, limit int) ([]procedure.Case, string, error) {
	if err := c.gate.Collection(ctx, v, decision.CaseList); err != nil {
		return nil, "", err
	}
	at, id, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	var out []procedure.Case
	next := ""
	err = c.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		if out, err = listCases(ctx, q, v, at, id, limit+1); err != nil {
			return err
		}
		if len(out) > limit {
			out = out[:limit]
			next = cursor(out[limit-1].ReceivedAt, out[limit-1].ID)
		}
		return linksOf(ctx, q, v, out)
	})
	if err != nil {
		return nil, "", fmt.Errorf("list cases: %w", err)
	}
	return out, next, nil
}

func listCases(ctx context.Context, q sqlstore.Querier, v actor.Viewer, at time.Time, id string, limit int) ([]procedure.Case, error) {
	visible, args := standing.VisibleCases(v, 4)
	rows, err := q.QueryContext(ctx, selectCases+` where `+visible+` and (c.received_at, c.id) > ($1, $2) order by c.received_at, c.id limit $3`,
		append([]any{at, id, limit}, args...)...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, scanCase)
}

// linksOf fills the linked cases of those for which v is no mere participant.
func linksOf(ctx context.Context, q sqlstore.Querier, v actor.Viewer, cases []procedure.Case) error {
	for i := range cases {
		if v.Role == actor.OperatorAdmin || v.Role == actor.Portal || cases[i].Lead == v.Authority {
			if err := links(ctx, q, &cases[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// links fills the linked cases; a mere participant does not see them.
func links(ctx context.Context, q sqlstore.Querier, c *procedure.Case) (err error) {
	rows, err := q.QueryContext(ctx, `select linked from case_links where case_id = $1 order by linked`, c.ID)
	if err != nil {
		return fmt.Errorf("read links of case %s: %w", c.ID, err)
	}
	c.Linked, err = scanAll(rows, func(row scanner) (string, error) {
		var id string
		return id, row.Scan(&id)
	})
	return err
}

func scanAll[T any](rows *sql.Rows, scan func(scanner) (T, error)) (out []T, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// cursor names a place in a list that is ordered by instant and id.
func cursor(at time.Time, id string) string { return at.UTC().Format(time.RFC3339Nano) + "_" + id }

func parseCursor(s string) (time.Time, string, error) {
	if s == "" {
		return time.Time{}, "", nil
	}
	instant, id, ok := strings.Cut(s, "_")
	at, err := time.Parse(time.RFC3339Nano, instant)
	if !ok || err != nil {
		return time.Time{}, "", contracts.Refuse(contracts.Invalid, "read cursor", contracts.Problem{
			Pointer: "after",
			Detail:  `want the "next" of the page before, unchanged`,
		})
	}
	return at, id, nil
}

// Task reads one task for v.
func (c *Casework) Task(ctx context.Context, v actor.Viewer, id string) (found task.Task, err error) {
	err = c.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		t, err := c.allowTask(ctx, q, v, id, decision.TaskRead)
		if err == nil {
			found = t.shownTo(v)
		}
		return err
	})
	return found, err
}

// TaskFilter narrows a list of tasks.
type TaskFilter struct {
	State task.State
	Case  string
}

// Tasks lists up to limit tasks that v may see behind the cursor after, oldest first: its own authority's, those of
// cases that it leads, submitted or hosts.
func (c *Casework) Tasks(ctx context.Context, v actor.Viewer, f TaskFilter, after string, limit int) ([]task.Task, string, error) {
	if err := c.gate.Collection(ctx, v, decision.TaskList); err != nil {
		return nil, "", err
	}
	at, id, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	var out []task.Task
	visible, args := visibleTasks(v, 6)
	err = c.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		rows, err := q.QueryContext(ctx, selectTasks+` where `+visible+`
			and ($1 = '' or t.state = $1) and ($2 = '' or t.case_id = $2) and (t.assigned_at, t.id) > ($3, $4) order by t.assigned_at, t.id limit $5`,
			append([]any{string(f.State), f.Case, at, id, limit + 1}, args...)...)
		if err != nil {
			return err
		}
		out, err = scanAll(rows, func(from scanner) (task.Task, error) {
			t, err := scanRow(from)
			return t.shownTo(v), err
		})
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list tasks: %w", err)
	}
	next := ""
	if len(out) > limit {
		out = out[:limit]
		next = cursor(out[limit-1].AssignedAt, out[limit-1].ID)
	}
	return out, next, nil
}

// visibleTasks keeps a body's own tasks beside those of its cases, and those of cases in which it holds a task itself.
func visibleTasks(v actor.Viewer, first int) (string, []any) {
	if v.Authority == "" {
		return standing.VisibleCases(v, first)
	}
	return fmt.Sprintf(`c.operator = $%d and (t.authority = $%d or c.lead = $%d or t.case_id in (
		select m.case_id from tasks m where m.authority = $%d and m.state in ('assigned', 'completed')))`, first, first+1, first+1, first+1),
		[]any{v.Operator, v.Authority}
}
