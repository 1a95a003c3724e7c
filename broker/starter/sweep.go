package starter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Run sweeps until ctx ends, and returns nil: at the start all open cases, then one page of them every Interval, and all
// of them as soon as one was found without a process.
func (s *Starter) Run(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.Interval)
	defer tick.Stop()
	after, all := "", true
	for {
		var err error
		if after, all, err = s.turn(ctx, after, all); err != nil && ctx.Err() == nil {
			s.cfg.Log.WarnContext(ctx, "open cases not swept yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// turn sweeps one page behind after, or everything, and returns how the next turn goes on.
func (s *Starter) turn(ctx context.Context, after string, all bool) (next string, again bool, err error) {
	if !all {
		last, started, err := s.page(ctx, after)
		if err != nil || started == 0 {
			return last, false, err
		}
		s.cfg.Log.WarnContext(ctx, "the process engine has lost cases, all open ones are looked at", "started", started)
	}
	started, err := s.sweep(ctx)
	if started > 0 {
		s.cfg.Log.WarnContext(ctx, "open cases without a process were started again", "started", started)
	}
	return "", err != nil, err
}

// sweep looks at all open cases and returns how many were started.
func (s *Starter) sweep(ctx context.Context) (total int, err error) {
	after := ""
	for {
		last, started, err := s.page(ctx, after)
		total += started
		if err != nil || last == "" {
			return total, err
		}
		after = last
	}
}

// page looks at one page of open cases that were handed over before. It returns the last case of the page, or "" at the
// end; after an error, where to go on.
func (s *Starter) page(ctx context.Context, after string) (last string, started int, err error) {
	cases, err := s.handedOver(ctx, after)
	if err != nil {
		return after, 0, err
	}
	for _, start := range cases {
		did, err := s.revive(ctx, start)
		if err != nil {
			return after, started, fmt.Errorf("look at case %s: %w", start.Case, err)
		}
		if did {
			started++
		}
		after = start.Case
	}
	if len(cases) < s.cfg.Page {
		return "", started, nil
	}
	return after, started, nil
}

// revive starts the process of a case again when the engine does not run it and the ledger still holds the case open.
func (s *Starter) revive(ctx context.Context, start engine.Start) (bool, error) {
	found, err := s.cfg.Engine.State(ctx, start.Case)
	if err != nil || found == engine.Running {
		return false, err
	}
	var state procedure.State
	if err := s.cfg.DB.Read().QueryRowContext(ctx, `select state from cases where id = $1`, start.Case).Scan(&state); err != nil {
		return false, fmt.Errorf("ask the ledger: %w", err)
	}
	if !state.Open() {
		return false, nil // it has ended since the page was read
	}
	if err := s.cfg.Engine.Resume(ctx, start); err != nil {
		return false, err
	}
	s.cfg.Log.InfoContext(ctx, "open case had no process, started again", "case_id", start.Case, "found", string(found))
	return true, nil
}

// handedOver lists open cases behind after whose opening was handed over, without those that a dead letter stops.
func (s *Starter) handedOver(ctx context.Context, after string) (out []engine.Start, err error) {
	rows, err := s.cfg.DB.Read().QueryContext(ctx, `select c.id, c.definition from cases c
		where c.closed_at is null and c.id > $1
			and exists (select 1 from consumer_positions p where p.consumer = $2 and p.case_id = c.id)
			and not exists (select 1 from dead_letters d where d.case_id = c.id and d.consumer in ('', $2) and d.state in ('parked', 'dead'))
		order by c.id limit $3`, after, Consumer, s.cfg.Page)
	if err != nil {
		return nil, fmt.Errorf("list open cases: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var start engine.Start
		if err := rows.Scan(&start.Case, &start.Definition); err != nil {
			return nil, fmt.Errorf("list open cases: %w", err)
		}
		out = append(out, start)
	}
	return out, rows.Err()
}
