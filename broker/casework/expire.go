package casework

import (
	"context"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// Expire records for the process that silence ended a task at its due instant. It loses to every answer received by then:
// to those in the ledger as news, to those on their way by failing as Unavailable until they have come. An expiry that a
// late answer has recorded already is the same expiry.
func (c *Casework) Expire(ctx context.Context, cmd engine.Expire) (engine.Result, error) {
	return c.cfg.Ledger.Step(ctx, cmd.Command, func(tx *sqlstore.Tx) (engine.Result, error) {
		t, err := heldTask(ctx, tx, cmd.Task)
		if err != nil {
			return engine.Result{}, err
		}
		if t.Case != cmd.Case || engine.ExpiryStep(t.Step) != cmd.Step || t.Pass != cmd.Pass {
			return engine.Result{}, contracts.Errorf(contracts.Invalid, "expire task", "%s is no task of this step", cmd.Task)
		}
		if err := c.expire(ctx, tx, t); err != nil {
			return engine.Result{}, err
		}
		return engine.Result{Task: t.ID, Due: t.Deadline.Due, SilenceEffect: t.Deadline.SilenceEffect}, nil
	})
}

// Settle records the expiry of a task before its late answer, where the law lets that answer still be recorded; the engine
// may be down, and the order in the ledger is that of the law. Any other draft it leaves alone.
func (c *Casework) Settle(ctx context.Context, tx *sqlstore.Tx, answer event.Draft) error {
	d, ok := answer.Data.(event.TaskCompleted)
	if !ok {
		return nil
	}
	if err := lockCaseOf(ctx, tx, d.Task); err != nil {
		return err
	}
	t, err := heldTask(ctx, tx, d.Task)
	if err != nil {
		return err
	}
	return c.settle(ctx, tx, t, answer)
}

// settle is Settle for a task that was read after its case was locked.
func (c *Casework) settle(ctx context.Context, tx *sqlstore.Tx, t *row, answer event.Draft) error {
	if _, ok := answer.Data.(event.TaskCompleted); !ok {
		return nil
	}
	at := answer.Received.At
	if at.IsZero() {
		at = tx.Now()
	}
	if t.State == task.Assigned && t.Deadline.Late(at) && t.Deadline.SilenceEffect == law.Disregardable {
		return c.expire(ctx, tx, t)
	}
	return nil
}

// expire appends the expiry of a task. The append locks the case, so that an answer that came first is seen; only then is
// it known who has to be waited for.
func (c *Casework) expire(ctx context.Context, tx *sqlstore.Tx, t *row) error {
	if t.Deadline.Due == nil || !t.Deadline.SilenceEffect.Binds() {
		return contracts.Errorf(contracts.Conflict, "expire task", "silence does not end it")
	}
	_, err := c.cfg.Ledger.Append(ctx, tx, event.Draft{
		ID: eventID(engine.StepKey{Case: t.Case, Step: engine.ExpiryStep(t.Step), Pass: t.Pass}, 1), Source: c.source(),
		Type: event.TypeTaskExpired, Case: t.Case, Tenant: t.tenant, Actor: engineActor(),
		Data: event.TaskExpired{
			Task: t.ID, Step: t.Step, Pass: t.Pass, Authority: t.Authority, Expired: *t.Deadline.Due,
			Law: t.Deadline.Law, LegalBasis: t.Deadline.LegalBasis, SilenceEffect: t.Deadline.SilenceEffect,
		},
	})
	if err != nil {
		return err
	}
	return c.cfg.Ingress.CaughtUp(ctx, tx, t.Authority, *t.Deadline.Due)
}

// expired moves a task by the event of its expiry. The task keeps no outcome: what silence means stands in its deadline,
// and the legal time is the due instant.
func (c *Casework) expired(ctx context.Context, tx *sqlstore.Tx, _ event.Recorded, d event.TaskExpired) error {
	t, err := heldTask(ctx, tx, d.Task)
	if err != nil {
		return err
	}
	if err := t.State.Move(task.Expired, t.Deadline.SilenceEffect); err != nil {
		return contracts.Errorf(contracts.Conflict, "move task", "%w", err)
	}
	t.State = task.Expired
	return tx.Put(ctx, `update tasks set state = $2 where id = $1`, t.ID, task.Expired)
}

// attended takes the call for a person back once no task of the case is overdue any more.
func (c *Casework) attended(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error {
	return tx.Put(ctx, `update cases set attention = '' where id = $1 and attention = $2
		and not exists (select 1 from tasks t where t.case_id = $1 and t.state = $3 and t.silence_effect = $4 and t.due < $5)`,
		r.Case, engine.Overdue, task.Assigned, law.None, r.Time)
}
