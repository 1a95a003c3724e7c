package reconcile

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/reconciliation"
)

// Start begins a comparison for v, with repair only when asked and for a reason. Another run that is not over is a
// Conflict.
func (r *Reconcile) Start(ctx context.Context, v actor.Viewer, repair bool, why string) (reconciliation.Run, error) {
	action, kind := decision.ReconcileCompare, reconciliation.Compare
	if repair {
		action, kind = decision.ReconcileRepair, reconciliation.Repair
	}
	if err := r.gate.Collection(ctx, v, action); err != nil {
		return reconciliation.Run{}, err
	}
	if repair && why == "" {
		return reconciliation.Run{}, contracts.Refuse(contracts.Invalid, "start reconciliation", contracts.Problem{
			Pointer: "/reason", Detail: "a repair needs a reason of 8 to 200 characters",
		})
	}
	run, err := r.insert(ctx, v, kind, why, reconciliation.Report{Phase: reconciliation.ReadEventLog, Findings: []reconciliation.Finding{}})
	if err != nil {
		return run, err
	}
	select {
	case r.wanted <- wanted{run.ID, repair}:
		return run, nil
	default:
		err := contracts.Errorf(contracts.Unavailable, "start reconciliation", "the run before is not put away yet")
		return run, errors.Join(err, r.end(ctx, run.ID, reconciliation.Failed, run.Report))
	}
}

// Replay has events published again for v.
func (r *Reconcile) Replay(ctx context.Context, v actor.Viewer, s Selection, why string) (string, int64, error) {
	if err := r.gate.Collection(ctx, v, decision.OutboxReplay); err != nil {
		return "", 0, err
	}
	if s.Case != "" {
		var n int
		if err := r.cfg.DB.Read().QueryRowContext(ctx, `select count(*) from cases where id = $1 and operator = $2`, s.Case, v.Operator).Scan(&n); err != nil {
			return "", 0, fmt.Errorf("read case: %w", err)
		}
		if n == 0 {
			return "", 0, contracts.Errorf(contracts.NotFound, "replay outbox", "no such case")
		}
	}
	report := reconciliation.Report{Phase: reconciliation.RepairAll, Findings: []reconciliation.Finding{}}
	run, err := r.insert(ctx, v, reconciliation.Replay, why, report)
	if err != nil {
		return "", 0, err
	}
	report.Log.Republished, err = r.around.Outbox.Replay(ctx, s)
	if err != nil {
		report.Error = contracts.KindOf(err).String()
		return "", 0, errors.Join(err, r.end(context.WithoutCancel(ctx), run.ID, reconciliation.Failed, report))
	}
	report.Phase = reconciliation.EndOfAll
	r.cfg.Log.InfoContext(ctx, "outbox is replayed", "reconciliation_id", run.ID, "by", v.ID, "events", report.Log.Republished)
	return run.ID, report.Log.Republished, r.end(ctx, run.ID, reconciliation.Done, report)
}

// insert writes the row of a run; runs that are not over exclude each other, a replay excludes nothing.
func (r *Reconcile) insert(ctx context.Context, v actor.Viewer, kind reconciliation.Kind, why string, report reconciliation.Report) (reconciliation.Run, error) {
	id := uuid.NewString()
	who, err := json.Marshal(v.Actor)
	if err != nil {
		return reconciliation.Run{}, fmt.Errorf("encode actor: %w", err)
	}
	text, err := json.Marshal(report)
	if err != nil {
		return reconciliation.Run{}, fmt.Errorf("encode report: %w", err)
	}
	err = r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		if err := tx.Lock(ctx, "reconcile"); err != nil {
			return err
		}
		var running int
		err := tx.QueryRowContext(ctx, `select count(*) from reconciliations where operator = $1 and state = 'running' and kind <> 'replay' and seen_at > $2`,
			v.Operator, tx.Now().Add(-r.cfg.Silence)).Scan(&running)
		if err != nil {
			return fmt.Errorf("look for a running one: %w", err)
		}
		if running > 0 && kind != reconciliation.Replay {
			return contracts.Refuse(contracts.Conflict, "start reconciliation", contracts.Problem{Detail: "another one is running; wait for its end"})
		}
		_, err = tx.Exec(ctx, `insert into reconciliations (id, operator, kind, state, actor, reason, revision, report, started_at, seen_at)
			values ($1, $2, $3, $4, $5, $6, 1, $7, $8, $8)`, id, v.Operator, kind, reconciliation.Running, string(who), why, string(text), tx.Now())
		return err
	})
	if err != nil {
		return reconciliation.Run{}, err
	}
	return r.read(ctx, v, id)
}

// save writes how far a run has come.
func (r *Reconcile) save(ctx context.Context, id string, report reconciliation.Report) error {
	return r.update(ctx, id, reconciliation.Running, report, `update reconciliations set state = $2, report = $3, seen_at = $4, revision = revision + 1 where id = $1`)
}

// beat shows that a run is alive, also while it waits for an engine that does not answer, until ctx ends.
func (r *Reconcile) beat(ctx context.Context, id string) {
	tick := time.NewTicker(r.cfg.Silence / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
			_, err := tx.Exec(ctx, `update reconciliations set seen_at = $2 where id = $1`, id, tx.Now())
			return err
		})
		if err != nil && ctx.Err() == nil {
			r.cfg.Log.WarnContext(ctx, "running reconciliation not shown alive", "reconciliation_id", id, "error", err)
		}
	}
}

// end writes the result of a run.
func (r *Reconcile) end(ctx context.Context, id string, state reconciliation.State, report reconciliation.Report) error {
	return r.update(ctx, id, state, report, `update reconciliations set state = $2, report = $3, seen_at = $4, ended_at = $4, revision = revision + 1 where id = $1`)
}

func (r *Reconcile) update(ctx context.Context, id string, state reconciliation.State, report reconciliation.Report, statement string) error {
	text, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	err = r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(ctx, statement, id, state, string(text), tx.Now())
		return err
	})
	if err != nil {
		return fmt.Errorf("write reconciliation: %w", err)
	}
	return nil
}

// Get reads a run for v. It waits up to wait for a revision behind after, unless the run is over.
func (r *Reconcile) Get(ctx context.Context, v actor.Viewer, id string, after int64, wait time.Duration) (reconciliation.Run, error) {
	if err := r.gate.Collection(ctx, v, decision.ReconcileCompare); err != nil {
		return reconciliation.Run{}, err
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	tick := time.NewTicker(r.cfg.Pause)
	defer tick.Stop()
	for {
		run, err := r.read(ctx, v, id)
		if err != nil || run.Revision > after || run.State != reconciliation.Running {
			return run, err
		}
		select {
		case <-deadline.C:
			return run, nil
		case <-httpserver.Draining(ctx):
			return run, nil
		case <-ctx.Done():
			return run, ctx.Err()
		case <-tick.C:
		}
	}
}

func (r *Reconcile) read(ctx context.Context, v actor.Viewer, id string) (reconciliation.Run, error) {
	run := reconciliation.Run{ID: id}
	var who, report string
	var ended sql.NullTime
	err := r.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		return q.QueryRowContext(ctx, `select kind, state, actor, reason, revision, report, started_at, seen_at, ended_at
			from reconciliations where id = $1 and operator = $2`, id, v.Operator).
			Scan(&run.Kind, &run.State, &who, &run.Reason, &run.Revision, &report, &run.StartedAt, &run.SeenAt, &ended)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return run, contracts.Errorf(contracts.NotFound, "read reconciliation", "no such reconciliation")
	}
	if err != nil {
		return run, fmt.Errorf("read reconciliation: %w", err)
	}
	var by actor.Actor
	if err := errors.Join(json.Unmarshal([]byte(who), &by), json.Unmarshal([]byte(report), &run.Report)); err != nil {
		return run, fmt.Errorf("decode reconciliation: %w", err)
	}
	run.Actor, run.StartedAt, run.SeenAt = by.ID, run.StartedAt.UTC(), run.SeenAt.UTC()
	if ended.Valid {
		at := ended.Time.UTC()
		run.EndedAt = &at
	}
	if run.State == reconciliation.Running && run.SeenAt.Before(r.cfg.DB.Now().Add(-r.cfg.Silence)) {
		run.State = reconciliation.Interrupted
	}
	return run, nil
}
