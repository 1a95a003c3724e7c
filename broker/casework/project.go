package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// Project writes casework's rows for an event, inside the ledger transaction.
func (c *Casework) Project(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error {
	switch r.Type {
	case event.TypeCaseSubmitted:
		return project(ctx, tx, r, c.submitted)
	case event.TypeTaskAssigned:
		return project(ctx, tx, r, c.assigned)
	case event.TypeTaskCompleted:
		return project(ctx, tx, r, c.completed)
	case event.TypeTaskExpired:
		return project(ctx, tx, r, c.expired)
	case event.TypeTaskReturned:
		return project(ctx, tx, r, c.returned)
	case event.TypeCaseAcknowledged:
		return moveCase(ctx, tx, r, procedure.Acknowledged)
	case event.TypeCaseClosed:
		return moveCase(ctx, tx, r, procedure.Closed)
	case event.TypeCaseEscalated:
		return project(ctx, tx, r, c.escalated)
	case event.TypeCaseLinked:
		return project(ctx, tx, r, c.linked)
	case event.TypeCaseErased:
		return erased(ctx, tx, r)
	case event.TypeContentAnnounced:
		return tx.Put(ctx, `update cases set announcements = announcements + 1 where id = $1`, r.Case)
	}
	return nil
}

func project[T any](ctx context.Context, tx *sqlstore.Tx, r event.Recorded, fn func(context.Context, *sqlstore.Tx, event.Recorded, T) error) error {
	d, err := event.Decode[T](r)
	if err != nil {
		return fmt.Errorf("decode %s: %w", r.Type, err)
	}
	return fn(ctx, tx, r, d)
}

func (c *Casework) submitted(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, d event.CaseSubmitted) error {
	return participate(ctx, tx, r, d.Lead, authority.Lead)
}

// participate records that an authority takes part in a case from now on.
func participate(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, a authority.ID, role authority.Role) error {
	return tx.Put(ctx, `insert into case_participation (case_id, authority, role, begins) values ($1, $2, $3, $4)
		on conflict (case_id, authority, role) do update set ends = null`, r.Case, a, role, r.Time)
}

func (c *Casework) assigned(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, d event.TaskAssigned) error {
	outcomes, err := json.Marshal(d.Outcomes)
	if err != nil {
		return fmt.Errorf("encode outcomes: %w", err)
	}
	facts, err := json.Marshal(d.OutcomeFacts)
	if err != nil {
		return fmt.Errorf("encode outcome facts: %w", err)
	}
	err = tx.Put(ctx, `insert into tasks (id, operator, case_id, step, pass, role, authority, service, opens, state, outcomes, allowed_facts,
		outcome, outcome_facts, law, legal_basis, silence_effect, due, purpose, basis, assigned_at)
		select $1, $2, $3, $4, $5, $6, $7, service, $8, $9, $10, $11, '', '{}', $12, $13, $14, $15, $16, $17, $18 from cases where id = $3`,
		d.Task, r.Operator, r.Case, d.Step, d.Pass, d.Role, d.Authority, d.Opens, task.Assigned, string(outcomes), string(facts),
		d.Deadline.Law, d.Deadline.LegalBasis, d.Deadline.SilenceEffect, d.Deadline.Due, d.Purpose, d.Basis, r.Time)
	if err != nil {
		return fmt.Errorf("write task: %w", err)
	}
	return participate(ctx, tx, r, d.Authority, d.Role)
}

func (c *Casework) completed(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, d event.TaskCompleted) error {
	t, err := heldTask(ctx, tx, d.Task)
	if err != nil {
		return err
	}
	if !slices.Contains(t.Outcomes, d.Outcome) {
		return contracts.Refuse(contracts.Invalid, "complete task", contracts.Problem{
			Pointer: "/outcome",
			Detail:  "not an outcome of this task; the task lists the allowed ones",
		})
	}
	if (t.Opens == "") != (d.Opened == "") {
		return contracts.Refuse(contracts.Conflict, "complete task", contracts.Problem{Pointer: "/outcome", Detail: wayOf(t.Opens)})
	}
	if err := c.checkFacts(ctx, t, d.Facts); err != nil {
		return err
	}
	facts := d.Facts
	if facts == nil {
		facts = fact.Values{}
	}
	if err := moveTask(ctx, tx, r, t, task.Completed, d.Outcome, facts); err != nil {
		return err
	}
	return c.attended(ctx, tx, r)
}

func wayOf(opens key.ServiceKey) string {
	if opens == "" {
		return "this task is completed by its outcome: POST /v1/tasks/{task_id}/outcome"
	}
	return "this task is completed by filing service " + string(opens) + ": POST /v1/submissions with completes"
}

func (c *Casework) checkFacts(ctx context.Context, t *row, facts fact.Values) error {
	for name := range facts {
		if !slices.Contains(t.allowedFacts, name) {
			return contracts.Refuse(contracts.Invalid, "complete task", contracts.Problem{
				Pointer: "/facts/" + name,
				Detail:  "this task takes no such fact",
			})
		}
	}
	declared, err := c.cfg.Catalogue.OutcomeFacts(ctx, t.pkg)
	if err != nil {
		return fmt.Errorf("read the facts of outcomes: %w", err)
	}
	if err := fact.Check(declared, facts); err != nil {
		return contracts.Errorf(contracts.Invalid, "check outcome facts", "%w", err)
	}
	return nil
}

func (c *Casework) returned(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, d event.TaskReturned) error {
	t, err := heldTask(ctx, tx, d.Task)
	if err != nil {
		return err
	}
	if err := moveTask(ctx, tx, r, t, task.NotCompetent, "", fact.Values{}); err != nil {
		return err
	}
	return leave(ctx, tx, r, t)
}

// leave ends the part that an authority took in a role: whoever is not competent has no business with the content. The
// role stays while another task of it is the authority's to do or was done by it.
func leave(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, t *row) error {
	return tx.Put(ctx, `update case_participation set ends = $4 where case_id = $1 and authority = $2 and role = $3 and ends is null
		and not exists (select 1 from tasks t where t.case_id = $1 and t.authority = $2 and t.role = $3
			and (t.state in ('assigned', 'completed') or t.state = 'expired' and t.silence_effect = 'DISREGARDABLE'))`,
		r.Case, t.Authority, t.Role, r.Time)
}

// moveTask checks the step against the row and writes it; an illegal step is a conflict, answered at once (law 3).
func moveTask(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, t *row, next task.State, outcome string, facts fact.Values) error {
	if err := t.State.Move(next, t.Deadline.SilenceEffect); err != nil {
		return contracts.Errorf(contracts.Conflict, "move task", "%w", err)
	}
	if t.State == task.Assigned && t.Deadline.Late(r.Time) {
		return contracts.Errorf(contracts.Conflict, "move task", "silence ended the task at %s, and this was received at %s",
			t.Deadline.Due.Format(time.RFC3339Nano), r.Time.Format(time.RFC3339Nano))
	}
	text, err := json.Marshal(facts)
	if err != nil {
		return fmt.Errorf("encode outcome facts: %w", err)
	}
	at := r.Time.UTC()
	t.State, t.Outcome, t.OutcomeFacts, t.CompletedAt = next, outcome, facts, &at
	return tx.Put(ctx, `update tasks set state = $2, outcome = $3, outcome_facts = $4, completed_at = $5 where id = $1`,
		t.ID, next, outcome, string(text), at)
}

func moveCase(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, next procedure.State) error {
	var kind procedure.Kind
	var state procedure.State
	if err := tx.QueryRowContext(ctx, `select procedure_kind, state from cases where id = $1`, r.Case).Scan(&kind, &state); err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	if err := state.Move(kind, next); err != nil {
		return contracts.Errorf(contracts.Conflict, "move case", "%w", err)
	}
	if next == procedure.Closed {
		return tx.Put(ctx, `update cases set state = $2, closed_at = $3, attention = '' where id = $1`, r.Case, next, r.Time)
	}
	return tx.Put(ctx, `update cases set state = $2 where id = $1`, r.Case, next)
}

// erased ends a case that a restored ledger holds as open although it was closed and erased since: without its content
// nobody can go on. A closed case has nothing left to end.
func erased(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error {
	if err := tx.Put(ctx, `update tasks set state = $2, completed_at = $3 where case_id = $1 and state = $4`,
		r.Case, task.Cancelled, r.Time, task.Assigned); err != nil {
		return err
	}
	return tx.Put(ctx, `update cases set state = $2, closed_at = $3, attention = '' where id = $1 and state <> $2`,
		r.Case, procedure.Closed, r.Time)
}

func (c *Casework) escalated(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, d event.CaseEscalated) error {
	return tx.Put(ctx, `update cases set attention = $2 where id = $1`, r.Case, d.Reason)
}

func (c *Casework) linked(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, d event.CaseLinked) error {
	return tx.Put(ctx, `insert into case_links (case_id, linked, relation) values ($1, $2, $3) on conflict do nothing`, r.Case, d.Linked, d.Relation)
}
