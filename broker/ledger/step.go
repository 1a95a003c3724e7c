package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
)

// Step runs one pass of one step of a process exactly once in effect.
//
// When the ledger holds a result under (case, step, pass), that is the answer and fn does not run. When it holds an
// event behind cmd.AfterSeq, nothing is appended and Result.Later are those events. Otherwise fn appends in the
// transaction and its result is committed with it. A closed case takes no further step (Conflict).
func (l *Ledger) Step(ctx context.Context, cmd engine.Command, fn func(tx *sqlstore.Tx) (engine.Result, error)) (engine.Result, error) {
	var result engine.Result
	err := l.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		head, err := lockHead(ctx, tx, cmd.Case)
		if err != nil {
			return err
		}
		stored, ok, err := storedResult(ctx, tx, cmd.StepKey)
		if err != nil || ok {
			result = stored
			return err
		}
		later, err := l.later(ctx, tx, cmd, head)
		if err != nil || len(later) > 0 {
			result = engine.Result{Step: cmd.Step, Pass: cmd.Pass, Later: later}
			return err
		}
		r, err := fn(tx)
		if err != nil {
			return err
		}
		r.Step, r.Pass, r.EngineSeq, r.At = cmd.Step, cmd.Pass, cmd.AfterSeq, tx.Now()
		result = r
		return storeResult(ctx, tx, cmd.StepKey, r)
	})
	if err != nil {
		return engine.Result{}, fmt.Errorf("step %s of case %s: %w", cmd.Step, cmd.Case, err)
	}
	fault.Crash(fault.StepCommitted)
	return result, nil
}

const selectHead = `select operator, case_seq, engine_seq, receipt_head, state from cases where id = $1`

// lockHead reads the head of a case and locks its row: two runs of one step meet here, and the second finds the result
// of the first.
func lockHead(ctx context.Context, tx *sqlstore.Tx, caseID string) (caseHead, error) {
	var h caseHead
	err := tx.QueryRowContext(ctx, selectHead+tx.ForUpdate(), caseID).
		Scan(&h.operator, &h.caseSeq, &h.engineSeq, &h.receipt, &h.state)
	if errors.Is(err, sql.ErrNoRows) {
		return h, contracts.Errorf(contracts.NotFound, "read case", "no case %s", caseID)
	}
	if err != nil {
		return h, fmt.Errorf("read case: %w", err)
	}
	return h, nil
}

func (l *Ledger) later(ctx context.Context, tx *sqlstore.Tx, cmd engine.Command, head caseHead) ([]engine.Event, error) {
	if !head.state.Open() {
		return nil, contracts.Errorf(contracts.Conflict, "take a step", "case %s is %s", cmd.Case, head.state)
	}
	if head.engineSeq <= cmd.AfterSeq {
		return nil, nil
	}
	return l.engineEvents(ctx, tx, cmd.Case, cmd.AfterSeq)
}

func storedResult(ctx context.Context, q sqlstore.Querier, k engine.StepKey) (engine.Result, bool, error) {
	var text string
	err := q.QueryRowContext(ctx, `select result from step_results where case_id = $1 and step = $2 and pass = $3`, k.Case, k.Step, k.Pass).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return engine.Result{}, false, nil
	}
	if err != nil {
		return engine.Result{}, false, fmt.Errorf("read stored result: %w", err)
	}
	var r engine.Result
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return engine.Result{}, false, fmt.Errorf("decode stored result: %w", err)
	}
	return r, true, nil
}

func storeResult(ctx context.Context, tx *sqlstore.Tx, k engine.StepKey, r engine.Result) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	err = tx.Put(ctx, `insert into step_results (case_id, step, pass, engine_seq, result, at) values ($1, $2, $3, $4, $5, $6)`,
		k.Case, k.Step, k.Pass, r.EngineSeq, string(text), tx.Now())
	if err != nil {
		return fmt.Errorf("store result: %w", err)
	}
	return nil
}

// Results reads the stored results of a case in the order in which they were committed.
func (l *Ledger) Results(ctx context.Context, q sqlstore.Querier, caseID string) (out []engine.Result, err error) {
	texts, err := sqlstore.Texts[string](ctx, q, `select result from step_results where case_id = $1 order by at, step`, caseID)
	if err != nil {
		return nil, fmt.Errorf("read stored results: %w", err)
	}
	for _, text := range texts {
		var r engine.Result
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, fmt.Errorf("decode stored result: %w", err)
		}
		out = append(out, r)
	}
	return out, nil
}
