package world

import (
	"context"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Task is open.
type Task struct {
	ID     string
	Case   string
	Holder authority.ID
}

// tasksPerCase is how many tasks a prepared case has: a few, so that a case is short, as a real one is.
const tasksPerCase = 8

// Tasks opens n tasks, without a process: cases are submitted, and the port of the process gives out the same task several
// times. Neighbours in the list belong to different cases where there are several, so that clients do not meet at one case.
func (w *World) Tasks(ctx context.Context, clients, n int) ([]Task, error) {
	cases := make([]string, (n+tasksPerCase-1)/tasksPerCase)
	app, err := w.Application(Region)
	if err != nil {
		return nil, err
	}
	err = measure.Clients(ctx, clients, len(cases), func(ctx context.Context, i int) error {
		r, err := w.Submission(app, Region)
		if err != nil {
			return err
		}
		cases[i], err = w.Submit(ctx, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prepare cases: %w", err)
	}
	tasks := make([]Task, n)
	err = measure.Clients(ctx, clients, n, func(ctx context.Context, i int) (err error) {
		tasks[i], err = w.Assign(ctx, cases[i%len(cases)], Office, 1+i/len(cases))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prepare tasks: %w", err)
	}
	return tasks, nil
}

// Assign gives out the task of a case for the pass-th time, as the process does.
func (w *World) Assign(ctx context.Context, caseID string, holder authority.ID, pass int) (Task, error) {
	cmd, err := w.assign(ctx, caseID, holder, pass)
	if err != nil {
		return Task{}, err
	}
	done, err := w.Ports.Assign(ctx, cmd)
	if err != nil {
		return Task{}, err
	}
	if done.Task == "" {
		return Task{}, fmt.Errorf("the task of case %s was not given out", caseID)
	}
	return Task{ID: done.Task, Case: caseID, Holder: holder}, nil
}

// Answers prepares the answers of tasks.
func (w *World) Answers(tasks []Task) ([]Request, error) {
	out := make([]Request, len(tasks))
	for i, t := range tasks {
		var err error
		if out[i], err = w.Outcome(t); err != nil {
			return nil, err
		}
	}
	return out, nil
}
