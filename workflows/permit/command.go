package permit

import (
	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts/engine"
)

// firstPass is the pass of every step of engine 1; a later engine counts repeats such as re-routing.
const firstPass = 1

// attentionSuffix makes the path under which the ledger keeps that a step called for a person. No step id holds a slash.
const attentionSuffix = "/attention"

// build makes the activity and its argument for a command. It is called for each attempt to decide, because what is known
// may have changed.
type build func(engine.Command) (activity string, arg any)

// command carries out the effect of a step. It reports false when it was not done and the step has to be decided again:
// the ledger had news, or refused the command, and a person was called and something has happened since.
func (w *walk) command(ctx workflow.Context, step string, b build) (bool, error) {
	if _, kept := w.results.stored(step, firstPass); !kept {
		if _, refused := w.results.stored(step+attentionSuffix, w.attention[step]+1); refused {
			return false, w.stuck(ctx, step, "") // refused in an earlier life; the kept result names the reason
		}
	}
	passed, err := w.effect(ctx, commands(ctx), step, firstPass, b)
	if kind, refused := refusal(err); refused {
		return false, w.stuck(ctx, step, kind.String())
	}
	return passed, err
}

// stuck calls for a person and waits until anything has happened in the case. What is due meanwhile is done, unless it is
// what the person was called for.
func (w *walk) stuck(ctx workflow.Context, step, reason string) error {
	before := w.inbox.applied
	for {
		passed, err := w.escalate(ctx, step, reason)
		if err != nil {
			return err
		}
		if passed {
			break
		}
		if w.inbox.applied > before {
			return nil // news before the person was called: decide again
		}
	}
	w.waiting = true
	defer func() { w.waiting = false }()
	before = w.inbox.applied
	for {
		if err := w.sync(ctx); err != nil || w.inbox.applied > before {
			return err
		}
		acted, err := w.deadlines(ctx)
		if err != nil {
			return err
		}
		if acted {
			continue
		}
		if w.renewal(ctx) {
			return w.renew(ctx)
		}
		if err := w.receiveUntilDue(ctx); err != nil {
			return err
		}
	}
}

// escalate marks in the ledger that the case waits for a person. It reports false when the ledger had news.
func (w *walk) escalate(ctx workflow.Context, step, reason string) (bool, error) {
	pass := w.attention[step] + 1
	passed, err := w.effect(ctx, reads(ctx), step+attentionSuffix, pass, func(c engine.Command) (string, any) {
		return activityMove, engine.Move{Command: c, Attention: reason}
	})
	if passed {
		w.attention[step] = pass
	}
	return passed, err
}

// effect has one command done once: the ledger keeps its result under (case, step, pass). A kept result is taken without
// asking, after the events that were known when it was made. The caller has synced before it decided on the command. It reports false when the ledger answered with later events;
// they have been applied then.
func (w *walk) effect(ctx, options workflow.Context, step string, pass int, b build) (bool, error) {
	res, kept := w.results.stored(step, pass)
	if kept {
		if err := w.applyThrough(ctx, res.EngineSeq); err != nil {
			return false, err
		}
		w.results.pass(res)
		return true, nil
	}
	activity, arg := b(engine.Command{
		StepKey:  engine.StepKey{Case: w.start.Case, Step: step, Pass: pass},
		AfterSeq: w.inbox.applied,
	})
	if err := answer(ctx, workflow.ExecuteActivity(options, activity, arg), &res); err != nil {
		return false, err
	}
	if len(res.Later) > 0 {
		before := w.inbox.applied
		w.inbox.offer(res.Later...)
		w.apply()
		if w.inbox.applied == before {
			panic(stopLedger) // news that may not be applied: the ledger keeps a later step's result
		}
		return false, nil
	}
	w.results.pass(res)
	return true, nil
}
