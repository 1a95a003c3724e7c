package permit

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/process"
)

// take takes one step, or skips it, and reports whether the case has ended. After news from the ledger it decides anew.
func (w *walk) take(ctx workflow.Context, s process.Step) (ended bool, err error) {
	for {
		if err := w.sync(ctx); err != nil {
			return false, err
		}
		wanted, err := w.definition.When(w.step, w.facts, w.outcomes)
		if err != nil {
			workflow.GetLogger(ctx).Error("case waits: its condition cannot be decided", "step", s.ID, "error", err)
			panic(stopCondition)
		}
		if !wanted {
			return false, nil
		}
		passed, err := w.do(ctx, s)
		if err != nil || passed {
			return passed && s.Kind() == process.KindEnd, err
		}
	}
}

// do carries out a step. It reports false when nothing has happened and the step has to be decided again.
func (w *walk) do(ctx workflow.Context, s process.Step) (bool, error) {
	switch s.Kind() {
	case process.KindTask:
		passed, err := w.assign(ctx, s)
		if err != nil || !passed || !s.Task.Await {
			return passed, err
		}
		return w.await(ctx, s)
	case process.KindCall:
		return w.call(ctx, s)
	case process.KindWait:
		if _, assigned := w.results.at[s.Wait.Task]; !assigned {
			return true, nil
		}
		return w.await(ctx, *w.definition.Step(s.Wait.Task))
	case process.KindEnd:
		return w.move(ctx, s, s.End)
	case process.KindNone: // the loader lets none through
	}
	return true, nil
}

func (w *walk) assign(ctx workflow.Context, s process.Step) (bool, error) {
	if _, done := w.results.at[s.ID]; done {
		return true, nil
	}
	holder, known := w.party(s.Task.Role)
	if !known {
		return false, w.stuck(ctx, s.ID, engine.NotCompetent)
	}
	return w.command(ctx, s.ID, func(c engine.Command) (string, any) {
		return activityAssign, engine.Assign{
			Command: c, Role: s.Task.Role, Authority: holder, Law: s.Task.Law, Start: w.began(s.Task.Start),
			Outcomes: s.Task.Outcomes, OutcomeFacts: s.Task.OutcomeFacts, Opens: s.Task.Opens,
			Purpose: s.Task.Purpose, Basis: process.LegalBasis,
		}
	})
}

func (w *walk) party(role authority.Role) (authority.ID, bool) {
	for _, p := range w.kase.Parties {
		if p.Role == role {
			return p.Authority, true
		}
	}
	return "", false
}

// began is the instant of a start event: the receipt of the application, or the append of an earlier step.
func (w *walk) began(start string) time.Time {
	if start == process.Receipt {
		return w.kase.ReceivedAt
	}
	return w.results.at[start]
}

func (w *walk) call(ctx workflow.Context, s process.Step) (bool, error) {
	if s.Call == process.Acknowledge {
		return w.move(ctx, s, procedure.Acknowledged)
	}
	return w.command(ctx, s.ID, func(c engine.Command) (string, any) {
		return activityAnnounce, engine.Announce{
			Command: c, Purposes: s.With.Purposes, Basis: process.LegalBasis, Facts: w.told,
		}
	})
}

func (w *walk) move(ctx workflow.Context, s process.Step, state procedure.State) (bool, error) {
	return w.command(ctx, s.ID, func(c engine.Command) (string, any) {
		return activityMove, engine.Move{Command: c, State: state}
	})
}

// await waits for the outcome of a task, or for silence to give one, and makes it visible to conditions. That the holder is
// not competent is no outcome: a person has to look, and the task stays awaited. It reports false when the run should be
// renewed.
func (w *walk) await(ctx workflow.Context, s process.Step) (bool, error) {
	w.awaits = s.ID
	defer func() { w.awaits = "" }()
	for {
		if err := w.sync(ctx); err != nil {
			return false, err
		}
		if w.settled(s) {
			return true, nil
		}
		acted, err := w.attend(ctx, s)
		if err != nil {
			return false, err
		}
		if acted {
			continue
		}
		if w.renewal(ctx) {
			return false, w.renew(ctx)
		}
		_, w.waiting = w.answer(s) // that the holder is not competent
		err = w.receiveUntilDue(ctx)
		w.waiting = false
		if err != nil {
			return false, err
		}
	}
}

// settled makes the outcome of a task visible to conditions, when its holder or silence gave one.
func (w *walk) settled(s process.Step) bool {
	if word := w.silence(s); word != "" {
		w.outcomes[s.ID] = word
		return true
	}
	answer, here := w.answer(s)
	if !here || answer.Outcome == engine.NotCompetent {
		return false
	}
	w.see(s, answer)
	return true
}

// attend calls for a person when the holder of a task is not competent, and else does what is due in the case. It reports
// false when there is nothing to do.
func (w *walk) attend(ctx workflow.Context, s process.Step) (bool, error) {
	answer, here := w.answer(s)
	if !here || answer.EngineSeq <= w.escalated[s.ID] {
		return w.deadlines(ctx)
	}
	passed, err := w.escalate(ctx, s.ID, engine.NotCompetent)
	if passed {
		w.escalated[s.ID] = answer.EngineSeq
	}
	return true, err
}

func (w *walk) see(s process.Step, answer engine.Event) {
	w.outcomes[s.ID] = answer.Outcome
	for _, name := range s.Task.OutcomeFacts {
		if v, ok := answer.Facts[name]; ok {
			w.facts[name] = v
		}
	}
}
