package casework

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// row is a task with what its holder does not see of it.
type row struct {
	task.Task
	tenant       authority.TenantID // of the case
	lead         authority.ID       // of the case
	pkg          string             // hash of the case's service package
	allowedFacts []string
}

const selectTasks = `select t.id, t.case_id, t.step, t.pass, t.role, t.authority, t.service, t.opens, t.state, t.outcomes, t.outcome, t.outcome_facts,
	t.law, t.legal_basis, t.silence_effect, t.due, t.assigned_at, t.completed_at, t.allowed_facts, c.tenant, c.lead, c.package
	from tasks t join cases c on c.id = t.case_id`

const selectTask = selectTasks + ` where t.id = $1`

func scanRow(from scanner) (*row, error) {
	var t row
	var outcomes, facts, allowed string
	var due, completed sql.NullTime
	err := from.Scan(&t.ID, &t.Case, &t.Step, &t.Pass, &t.Role, &t.Authority, &t.Service, &t.Opens, &t.State, &outcomes, &t.Outcome, &facts,
		&t.Deadline.Law, &t.Deadline.LegalBasis, &t.Deadline.SilenceEffect, &due, &t.AssignedAt, &completed, &allowed, &t.tenant, &t.lead, &t.pkg)
	if err != nil {
		return &t, err
	}
	t.AssignedAt = t.AssignedAt.UTC()
	t.Deadline.Due, t.CompletedAt = utc(due), utc(completed)
	if err := json.Unmarshal([]byte(outcomes), &t.Outcomes); err != nil {
		return &t, fmt.Errorf("decode outcomes: %w", err)
	}
	if err := json.Unmarshal([]byte(facts), &t.OutcomeFacts); err != nil {
		return &t, fmt.Errorf("decode outcome facts: %w", err)
	}
	if err := json.Unmarshal([]byte(allowed), &t.allowedFacts); err != nil {
		return &t, fmt.Errorf("decode allowed facts: %w", err)
	}
	return &t, nil
}

func utc(t sql.NullTime) *time.Time {
	if !t.Valid {
		return nil
	}
	at := t.Time.UTC()
	return &at
}

// readTask reads a task; NotFound when there is none.
func readTask(ctx context.Context, q sqlstore.Querier, id string) (*row, error) {
	t, err := scanRow(q.QueryRowContext(ctx, selectTask, id))
	if errors.Is(err, sql.ErrNoRows) {
		return t, contracts.Errorf(contracts.NotFound, "read task", "no such task")
	}
	if err != nil {
		return t, fmt.Errorf("read task: %w", err)
	}
	return t, nil
}

// taskKey is under what a transaction keeps a task that it has read.
type taskKey string

// heldTask reads a task in a transaction that holds the lock of its case, so that it is read once: whoever changes its row
// in the transaction changes what is kept too, but for the erasure of a case, which answers no task.
func heldTask(ctx context.Context, tx *sqlstore.Tx, id string) (*row, error) {
	if kept, ok := tx.Kept(taskKey(id)).(*row); ok {
		return kept, nil
	}
	t, err := readTask(ctx, tx, id)
	if err == nil {
		tx.Keep(taskKey(id), t)
	}
	return t, err
}

// shownTo is the task as v may see it. Of another holder's task holders see role, state and due date, no name and no outcome
// (decision 15). Who leads the case, filed it or hosts it sees the whole.
func (t *row) shownTo(v actor.Viewer) task.Task {
	out := t.Task
	if v.Authority != "" && t.Authority != v.Authority && t.lead != v.Authority {
		out.Authority, out.Outcome, out.OutcomeFacts, out.Outcomes, out.Opens = "", "", nil, []string{}, ""
	}
	return out
}
