package workflowtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Ledger keeps cases in memory by the rules that the process engine relies on: events are numbered without gaps, a command
// that does not name the last event changes nothing, and a result is kept for ever under (case, step, pass).
type Ledger struct {
	// Before is called before each command is decided, without a lock: a test lets something happen there. An error is the
	// ledger's answer. May be nil.
	Before func(engine.Command) error
	// After is called after each command that was appended, without a lock. May be nil.
	After func(engine.Command, engine.Result)
	// Deadlines are the deadlines of tasks by law record. A record that is not here has no due instant.
	Deadlines map[string]law.Deadline

	mu    sync.Mutex
	cases map[string]*record
}

type record struct {
	kase    engine.Case
	state   procedure.State
	states  []procedure.State // after each result
	events  []engine.Event
	effects []Effect
}

// Effect is a command that was appended, as a test compares it.
type Effect struct {
	// Command is engine.Assign, engine.Expire, engine.Announce or engine.Move.
	Command any
	Result  engine.Result
}

// Received is the instant at which every case of the ledger was received; appends follow it second by second.
var Received = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// NewLedger is an empty ledger.
func NewLedger() *Ledger { return &Ledger{cases: map[string]*record{}} }

// Submit opens a case and returns the event of its submission, EngineSeq 1.
func (l *Ledger) Submit(c engine.Case) engine.Event {
	c.Open, c.ReceivedAt, c.Steps = true, Received, nil
	l.mu.Lock()
	l.cases[c.ID] = &record{kase: c, state: procedure.Received}
	l.mu.Unlock()
	return l.Append(c.ID, engine.Event{Type: event.TypeCaseSubmitted})
}

// Append records an event that the process reacts to and returns it with its EngineSeq.
func (l *Ledger) Append(caseID string, e engine.Event) engine.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.cases[caseID]
	e.EngineSeq = int64(len(r.events)) + 1
	e.ID = fmt.Sprintf("%s/event/%d", caseID, e.EngineSeq)
	if e.At.IsZero() {
		e.At = Received.Add(time.Duration(len(r.events)) * time.Minute)
	}
	r.events = append(r.events, e)
	return e
}

// Answer records the answer of a task's holder.
func (l *Ledger) Answer(caseID, step, outcome string, facts map[string]any) engine.Event {
	return l.AnswerAt(caseID, step, outcome, facts, time.Time{})
}

// AnswerAt records an answer that was received at an instant. Whether the ledger would have taken it is the test's business.
func (l *Ledger) AnswerAt(caseID, step, outcome string, facts map[string]any, at time.Time) engine.Event {
	e := engine.Event{
		At:   at,
		Type: event.TypeTaskCompleted, Task: TaskID(caseID, step), Step: step, Pass: 1, Outcome: outcome, Facts: facts,
	}
	if outcome == engine.NotCompetent {
		e.Type = event.TypeTaskReturned
	}
	return l.Append(caseID, e)
}

// TaskID is the id of the first pass of a task.
func TaskID(caseID, step string) string { return caseID + "." + step + ".1" }

// Effects are the commands that were appended, in order.
func (l *Ledger) Effects(caseID string) []Effect {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.cases[caseID].effects)
}

// State is the procedural state of a case.
func (l *Ledger) State(caseID string) procedure.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cases[caseID].state
}

// Rewind is a copy of the ledger in which only the first n commands of the case were appended and the first m events
// recorded: what the engine finds when it was lost and is rebuilt.
func (l *Ledger) Rewind(caseID string, n, m int) *Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := l.cases[caseID]
	r := &record{
		kase: from.kase, state: procedure.Received, states: slices.Clone(from.states[:n]),
		events: slices.Clone(from.events[:m]), effects: slices.Clone(from.effects[:n]),
	}
	r.kase.Steps = slices.Clone(from.kase.Steps[:n])
	if n > 0 {
		r.state = from.states[n-1]
	}
	r.kase.Open = r.state.Open()
	return &Ledger{cases: map[string]*record{caseID: r}, Deadlines: l.Deadlines}
}

// Load implements permit.Ports.
func (l *Ledger) Load(_ context.Context, caseID string) (engine.Case, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.cases[caseID]
	if r == nil {
		return engine.Case{}, contracts.Errorf(contracts.NotFound, "load case", "no such case")
	}
	c := r.kase
	c.Steps, c.Facts = slices.Clone(c.Steps), maps.Clone(c.Facts)
	return c, nil
}

// Events implements permit.Ports.
func (l *Ledger) Events(_ context.Context, caseID string, after int64) ([]engine.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.cases[caseID].events[after:]), nil
}

// Assign implements permit.Ports.
func (l *Ledger) Assign(_ context.Context, cmd engine.Assign) (engine.Result, error) {
	return l.step(cmd.Command, cmd, func(_ *record, res *engine.Result) error {
		deadline := l.Deadlines[cmd.Law]
		res.Task, res.Due, res.SilenceEffect = TaskID(cmd.Case, cmd.Step), deadline.Due, deadline.SilenceEffect
		return nil
	})
}

// Expire implements permit.Ports: it loses to every answer that was received by the due instant.
func (l *Ledger) Expire(_ context.Context, cmd engine.Expire) (engine.Result, error) {
	return l.step(cmd.Command, cmd, func(r *record, res *engine.Result) error {
		i := slices.IndexFunc(r.kase.Steps, func(s engine.Result) bool { return engine.ExpiryStep(s.Step) == cmd.Step && s.Task == cmd.Task })
		if i < 0 {
			return contracts.Errorf(contracts.NotFound, "expire task", "no such task")
		}
		deadline := law.Deadline{Due: r.kase.Steps[i].Due, SilenceEffect: r.kase.Steps[i].SilenceEffect}
		if deadline.Due == nil || !deadline.SilenceEffect.Binds() ||
			slices.ContainsFunc(r.events, func(e engine.Event) bool { return e.Task == cmd.Task && !deadline.Late(e.At) }) {
			return contracts.Errorf(contracts.Conflict, "expire task", "silence did not end it")
		}
		res.Task, res.Due, res.SilenceEffect = cmd.Task, deadline.Due, deadline.SilenceEffect
		return nil
	})
}

// Announce implements permit.Ports.
func (l *Ledger) Announce(_ context.Context, cmd engine.Announce) (engine.Result, error) {
	return l.step(cmd.Command, cmd, func(r *record, res *engine.Result) error {
		for _, p := range r.kase.Parties {
			res.Announced = append(res.Announced, p.Authority)
		}
		return nil
	})
}

// Move implements permit.Ports.
func (l *Ledger) Move(_ context.Context, cmd engine.Move) (engine.Result, error) {
	return l.step(cmd.Command, cmd, func(r *record, _ *engine.Result) error {
		if cmd.Attention != "" {
			return nil
		}
		if err := r.state.Move(r.kase.Kind, cmd.State); err != nil {
			return contracts.Errorf(contracts.Conflict, "move case", "%w", err)
		}
		r.state = cmd.State
		r.kase.Open = r.state.Open()
		return nil
	})
}

func (l *Ledger) step(cmd engine.Command, arg any, do func(*record, *engine.Result) error) (engine.Result, error) {
	if l.Before != nil {
		if err := l.Before(cmd); err != nil {
			return engine.Result{}, err
		}
	}
	res, appended, err := l.append(cmd, arg, do)
	if appended && l.After != nil {
		l.After(cmd, res)
	}
	return res, err
}

func (l *Ledger) append(cmd engine.Command, arg any, do func(*record, *engine.Result) error) (engine.Result, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.cases[cmd.Case]
	for _, kept := range r.kase.Steps {
		if kept.Step == cmd.Step && kept.Pass == cmd.Pass {
			return kept, false, nil
		}
	}
	if int64(len(r.events)) > cmd.AfterSeq {
		return engine.Result{Step: cmd.Step, Pass: cmd.Pass, Later: slices.Clone(r.events[cmd.AfterSeq:])}, false, nil
	}
	res := engine.Result{
		Step: cmd.Step, Pass: cmd.Pass, EngineSeq: cmd.AfterSeq,
		At: Received.Add(time.Duration(len(r.kase.Steps)+1) * time.Second),
	}
	if err := do(r, &res); err != nil {
		return engine.Result{}, false, err
	}
	r.kase.Steps = append(r.kase.Steps, res)
	r.states = append(r.states, r.state)
	r.effects = append(r.effects, Effect{Command: arg, Result: res})
	return res, true, nil
}
