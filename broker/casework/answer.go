package casework

import (
	"context"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// Answer is what a holder says about its task.
type Answer struct {
	// Received is the receipt of the answer; deadlines are decided by it.
	Received event.Reception
	// Case is the case of which the task must be; empty where the task alone is named.
	Case     string
	Outcome  string
	Facts    fact.Values
	Contents []content.Ref
}

// Complete gives the outcome of a task that v's authority holds. The same answer again is answered alike; another one
// is a Conflict, and so is one that was received after silence was deemed a yes. After silence that may be disregarded
// the answer is still recorded, behind the expiry.
func (c *Casework) Complete(ctx context.Context, v actor.Viewer, id string, a Answer) (task.Task, error) {
	record, err := c.Completing(ctx, v, id, a)
	if err != nil {
		return task.Task{}, err
	}
	return c.answered(ctx, v, id, record)
}

// Completing is Complete for whoever writes rows of its own with the answer: policy and contents are checked now, the rest
// in the transaction in which the result is called.
func (c *Casework) Completing(ctx context.Context, v actor.Viewer, id string, a Answer) (func(ctx context.Context, tx *sqlstore.Tx) error, error) {
	caseID, err := c.allowAnswer(ctx, v, id, a.Case)
	if err != nil {
		return nil, err
	}
	if err := c.resolve(ctx, v, id, a.Contents); err != nil {
		return nil, err
	}
	return c.answer(id, caseID, func(t *row) event.Draft {
		return event.Draft{
			ID: answerID(id), Source: c.source(), Type: event.TypeTaskCompleted, Case: t.Case, Tenant: t.tenant, Actor: v.Actor, Received: a.Received,
			Data: event.TaskCompleted{Task: id, Step: t.Step, Pass: t.Pass, Outcome: a.Outcome, Facts: a.Facts, Contents: a.Contents},
		}
	}), nil
}

// Return answers that v's authority is not competent. Once silence has ended the task it is a Conflict.
func (c *Casework) Return(ctx context.Context, v actor.Viewer, received event.Reception, id string) (task.Task, error) {
	record, err := c.Returning(ctx, v, id, Answer{Received: received})
	if err != nil {
		return task.Task{}, err
	}
	return c.answered(ctx, v, id, record)
}

// Returning is Return for whoever writes rows of its own with the answer; see Completing. Of a only receipt and case count.
func (c *Casework) Returning(ctx context.Context, v actor.Viewer, id string, a Answer) (func(ctx context.Context, tx *sqlstore.Tx) error, error) {
	caseID, err := c.allowAnswer(ctx, v, id, a.Case)
	if err != nil {
		return nil, err
	}
	return c.answer(id, caseID, func(t *row) event.Draft {
		return event.Draft{
			ID: answerID(id), Source: c.source(), Type: event.TypeTaskReturned, Case: t.Case, Tenant: t.tenant, Actor: v.Actor, Received: a.Received,
			Data: event.TaskReturned{Task: id, Step: t.Step, Pass: t.Pass, Reason: "not_competent"},
		}
	}), nil
}

// answerID is the id of the one answer that a task can have; so two answers meet in the ledger, and the first counts.
func answerID(taskID string) string { return taskID + "/answer" }

// answer records a draft about a task of a case in the caller's transaction. What is read for it goes with the lock.
func (c *Casework) answer(id, caseID string, draft func(*row) event.Draft) func(ctx context.Context, tx *sqlstore.Tx) error {
	return func(ctx context.Context, tx *sqlstore.Tx) error {
		if err := lockCaseOf(ctx, tx, id); err != nil {
			return err
		}
		tx.Ahead(selectTask, id)
		c.cfg.Ledger.AppendAhead(tx, draft(&row{Task: task.Task{Case: caseID}}))
		t, err := heldTask(ctx, tx, id)
		if err != nil {
			return err
		}
		d := draft(t)
		if err := c.settle(ctx, tx, t, d); err != nil {
			return err
		}
		_, err = c.cfg.Ledger.Append(ctx, tx, d)
		return err
	}
}

// lockCaseOf locks the case of a task, so that what is read of the task afterwards stays so until the end of the
// transaction. A task that does not exist is found out by whoever reads it then.
func lockCaseOf(ctx context.Context, tx *sqlstore.Tx, id string) error {
	if tx.ForUpdate() == "" {
		return nil
	}
	if err := tx.Put(ctx, `select 1 from cases where id = (select case_id from tasks where id = $1)`+tx.ForUpdate(), id); err != nil {
		return fmt.Errorf("lock case of task: %w", err)
	}
	return nil
}

// answered records an answer and returns the task as it is then.
func (c *Casework) answered(ctx context.Context, v actor.Viewer, id string, record func(ctx context.Context, tx *sqlstore.Tx) error) (out task.Task, err error) {
	err = c.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		if err := record(ctx, tx); err != nil {
			return err
		}
		t, err := heldTask(ctx, tx, id)
		out = t.shownTo(v)
		return err
	})
	if err != nil {
		return task.Task{}, fmt.Errorf("answer task: %w", err)
	}
	fault.Crash(fault.AnswerCommitted)
	return out, nil
}

// resolve replaces the references that came with an answer by those of the vault, which alone knows the digest of the
// ciphertext. Each must be content of the task's case that this caller has stored.
func (c *Casework) resolve(ctx context.Context, v actor.Viewer, taskID string, refs []content.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	t, err := readTask(ctx, c.cfg.DB.Read(), taskID)
	if err != nil {
		return err
	}
	var problems []contracts.Problem
	for i, ref := range refs {
		found, err := c.cfg.Contents.Describe(ctx, ref.Content)
		if err != nil && contracts.KindOf(err) != contracts.NotFound {
			return fmt.Errorf("describe content: %w", err)
		}
		if err != nil || found.Case != t.Case || found.Uploader != v.ID {
			problems = append(problems, contracts.Problem{
				Pointer: fmt.Sprintf("/contents/%d/content_id", i),
				Detail:  "no content of this case that you have stored; store it first with PUT /v1/contents/{content_id}",
			})
			continue
		}
		refs[i] = found.Ref
	}
	if len(problems) > 0 {
		return contracts.Refuse(contracts.Invalid, "resolve contents", problems...)
	}
	return nil
}

// allowAnswer asks the policy whether v may answer a task and returns the case of the task, which must be the named one
// unless that is empty.
func (c *Casework) allowAnswer(ctx context.Context, v actor.Viewer, id, named string) (caseID string, err error) {
	err = c.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		t, err := c.allowTask(ctx, q, v, id, decision.TaskAnswer)
		if err != nil {
			return err
		}
		if named != "" && t.Case != named {
			return contracts.Errorf(contracts.NotFound, "read task", "no such task")
		}
		caseID = t.Case
		return nil
	})
	return caseID, err
}

// allowTask reads a task and asks the policy whether v may do action with it; a task that v must not know is NotFound.
func (c *Casework) allowTask(ctx context.Context, q sqlstore.Querier, v actor.Viewer, id string, action decision.Action) (*row, error) {
	t, err := readTask(ctx, q, id)
	if err != nil {
		return nil, err
	}
	if v.Authority != "" && t.Authority == v.Authority {
		return t, c.gate.Relation(ctx, v, action, decision.Holder)
	}
	_, err = c.gate.Case(ctx, q, v, t.Case, action)
	return t, err
}

// Completable prepares the completion of a task by a submission of v's authority: a draft whose data lack only the
// outcome and the opened case, and the service that has to be submitted. Anything but v's own task is NotFound.
func (c *Casework) Completable(ctx context.Context, v actor.Viewer, caseID, taskID string) (event.Draft, key.ServiceKey, error) {
	t, err := readTask(ctx, c.cfg.DB.Read(), taskID)
	if err != nil {
		return event.Draft{}, "", err
	}
	if t.Case != caseID || t.Authority != v.Authority {
		return event.Draft{}, "", contracts.Errorf(contracts.NotFound, "read task", "no such task")
	}
	return event.Draft{
		ID: answerID(taskID), Source: c.source(), Type: event.TypeTaskCompleted, Case: caseID, Tenant: t.tenant, Actor: v.Actor,
		Data: event.TaskCompleted{Task: taskID, Step: t.Step, Pass: t.Pass},
	}, t.Opens, nil
}
