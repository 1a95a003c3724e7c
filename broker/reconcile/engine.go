package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/reconciliation"
)

// openCase is an open case of which events were handed over, up to applied.
type openCase struct {
	start   engine.Start
	applied int64
}

// questions is how many processes are asked at the same time.
const questions = 8

// askEngine compares every open case that was handed over with its process.
func (c *comparison) askEngine(ctx context.Context) error {
	if err := c.phase(ctx, reconciliation.AskEngine, c.report.Ledger.OpenCases); err != nil {
		return err
	}
	for after := ""; ; {
		cases, last, err := c.openCases(ctx, after)
		if err != nil || last == "" {
			return err
		}
		if err := c.askAll(ctx, cases); err != nil {
			return err
		}
		after = last
	}
}

// askAll asks about a page of cases; findings are added in the order of the page.
func (c *comparison) askAll(ctx context.Context, cases []openCase) error {
	runs := make([]engine.Run, len(cases))
	var mu sync.Mutex
	g, askCtx := errgroup.WithContext(ctx)
	g.SetLimit(questions)
	for i, k := range cases {
		g.Go(func() error {
			run, err := c.ask(askCtx, k)
			if err != nil {
				return err
			}
			runs[i] = run
			mu.Lock()
			defer mu.Unlock()
			return c.step(askCtx, 1)
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("ask process engine: %w", err)
	}
	for i, k := range cases {
		if err := c.judge(ctx, k, runs[i]); err != nil {
			return fmt.Errorf("repair process of case %s: %w", k.start.Case, err)
		}
	}
	return nil
}

// patience is how often a process that is behind is asked again: it may be about to apply what it was handed.
const patience = 5

func (c *comparison) ask(ctx context.Context, k openCase) (run engine.Run, err error) {
	for range patience {
		run, err = c.around.Engine.Run(ctx, k.start.Case)
		if err != nil || run.State != engine.Running || run.Applied < 0 || run.Applied >= k.applied {
			return run, err
		}
		pause := time.NewTimer(c.cfg.Pause)
		select {
		case <-ctx.Done():
			pause.Stop()
			return run, ctx.Err()
		case <-pause.C:
		}
	}
	return run, nil
}

// judge counts what was found, and repairs it.
func (c *comparison) judge(ctx context.Context, k openCase, run engine.Run) error {
	e := &c.report.Engine
	if run.State == engine.Running && run.Applied < 0 {
		e.Silent++
		return nil
	}
	if run.State == engine.Running && run.Applied >= k.applied {
		e.Running++
		return nil
	}
	var state procedure.State
	if err := c.cfg.DB.Read().QueryRowContext(ctx, `select state from cases where id = $1`, k.start.Case).Scan(&state); err != nil {
		return fmt.Errorf("ask the ledger: %w", err)
	}
	if !state.Open() {
		return nil // it has ended meanwhile
	}
	finding := reconciliation.Finding{Case: k.start.Case, Repair: "start the process; it rebuilds itself from the stored steps"}
	switch run.State {
	case engine.Absent:
		e.Absent++
		finding.Kind, finding.Detail = reconciliation.ProcessAbsent, "the engine knows no process of this open case"
	case engine.Ended:
		e.Ended++
		finding.Kind, finding.Detail = reconciliation.ProcessEnded, "the process has ended and the case is open"
	case engine.Running:
		e.Behind++
		finding.Kind = reconciliation.ProcessBehind
		finding.Detail = "applied " + strconv.FormatInt(run.Applied, 10) + " of " + strconv.FormatInt(k.applied, 10) + " events that were handed over"
		finding.Repair = "hand the last event over again; the process reads the others from the ledger"
	}
	c.report.Add(finding)
	if !c.repair {
		return nil
	}
	if run.State == engine.Running {
		return c.handOver(ctx, k)
	}
	e.Resumed++
	return c.around.Engine.Resume(ctx, k.start)
}

// handOver hands the last event over that was handed over before.
func (c *comparison) handOver(ctx context.Context, k openCase) error {
	events, err := c.cfg.Ledger.Events(ctx, k.start.Case, k.applied-1)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return nil
	}
	c.report.Engine.HandedOver++
	return c.around.Engine.HandOver(ctx, k.start, events[0])
}

// openCases lists a page of open cases behind after of which something was handed over, without those that a dead letter
// stops; last is "" at the end.
func (c *comparison) openCases(ctx context.Context, after string) (out []openCase, last string, err error) {
	rows, err := c.cfg.DB.Read().QueryContext(ctx, `select c.id, c.definition, coalesce((select max(e.engine_seq) from events e
			where e.case_id = c.id and e.case_seq <= p.case_seq), 0)
		from cases c join consumer_positions p on p.consumer = $2 and p.case_id = c.id
		where c.closed_at is null and c.id > $1
			and not exists (select 1 from dead_letters d where d.case_id = c.id and d.consumer in ('', $2) and d.state in ('parked', 'dead'))
		order by c.id limit $3`, after, c.cfg.Starter, page)
	if err != nil {
		return nil, "", fmt.Errorf("list open cases: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var k openCase
		if err := rows.Scan(&k.start.Case, &k.start.Definition, &k.applied); err != nil {
			return nil, "", fmt.Errorf("list open cases: %w", err)
		}
		out, last = append(out, k), k.start.Case
	}
	return out, last, rows.Err()
}
