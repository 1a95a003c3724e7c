package permit

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/process"
)

// overdueSuffix makes the path under which the ledger keeps that a person was told of a task that is overdue.
const overdueSuffix = "/overdue"

// beyond is how far behind a due instant the timer is set: what is received at the instant itself is in time, a timer counts
// milliseconds, and the clocks of the engine and of the replicas may differ by a second. The legal time stays the due instant.
const beyond = time.Second + time.Millisecond

// The change of the interpreter that brought timers. A run that began before goes on without them until it is renewed; the
// ledger counts late answers by their receipt all the same.
const (
	changeDeadlines = "deadlines"
	withTimers      = 1
)

// timer is a durable timer to an absolute instant.
type timer struct {
	at     time.Time
	fired  workflow.Future
	cancel workflow.CancelFunc
}

// deadline is that of the task of a step; its Due is nil when there is none, or the step has assigned no task.
func (w *walk) deadline(s process.Step) law.Deadline {
	res := w.results.tasks[s.ID]
	effect := res.SilenceEffect
	if effect == "" && s.Task != nil { // kept by a version that left it to the definition
		record, _ := w.definition.Deadline(s.Task.Law)
		effect = record.SilenceEffect
	}
	return law.Deadline{Due: res.Due, SilenceEffect: effect}
}

// answer is the answer to a task that counts: one received after silence had decided does not.
func (w *walk) answer(s process.Step) (engine.Event, bool) {
	e, here := w.answers[s.ID]
	return e, here && !w.deadline(s).Late(e.At)
}

// silence is the outcome that silence gave a task; empty as long as it gave none.
func (w *walk) silence(s process.Step) string {
	if !w.silent[s.ID] {
		return ""
	}
	return engine.Silence(w.deadline(s).SilenceEffect)
}

// deadlines does what is due for one task of the case, the awaited one or another: expire it, or tell a person that it is
// overdue. It reports false when nothing is due. In a rebuilt process what was done in an earlier life comes first, and
// nothing new is done before all of that has been passed.
func (w *walk) deadlines(ctx workflow.Context) (bool, error) {
	for _, s := range w.open(ctx) {
		_, late := w.answers[s.ID] // one that counts would have closed the step
		reached := late || !workflow.Now(ctx).Before(w.deadline(s).Due.Add(beyond))
		if w.done(s) || reached && len(w.results.pending) == 0 {
			return true, w.silenced(ctx, s)
		}
	}
	return false, nil
}

// done reports whether the ledger keeps what was done about the silence of a task, and it comes next.
func (w *walk) done(s process.Step) bool {
	expiry := engine.ExpiryStep(s.ID)
	return w.results.kept(expiry, firstPass) || w.results.kept(s.ID+overdueSuffix, firstPass) ||
		w.results.kept(expiry+attentionSuffix, w.attention[expiry]+1)
}

// silenced does what the law makes of the silence of a task.
func (w *walk) silenced(ctx workflow.Context, s process.Step) error {
	w.silencing = true
	defer func() { w.silencing = false }()
	if w.deadline(s).SilenceEffect.Binds() {
		return w.expire(ctx, s)
	}
	return w.overdue(ctx, s)
}

// open are the steps, in the order of the definition, whose task has a due instant, no answer that counts, and of whose
// silence nothing is recorded yet; none while the silence of one is being recorded.
func (w *walk) open(ctx workflow.Context) []process.Step {
	var steps []process.Step
	if w.silencing { // it waits for a person itself
		return nil
	}
	for _, s := range w.definition.Steps {
		if _, answered := w.answer(s); w.deadline(s).Due != nil && !answered && !w.silent[s.ID] {
			steps = append(steps, s)
		}
	}
	if len(steps) > 0 && workflow.GetVersion(ctx, changeDeadlines, workflow.DefaultVersion, withTimers) < withTimers {
		return nil
	}
	return steps
}

// expire has the ledger record that silence ended a task. An answer that was received in time is news, and wins.
func (w *walk) expire(ctx workflow.Context, s process.Step) error {
	passed, err := w.command(ctx, engine.ExpiryStep(s.ID), func(c engine.Command) (string, any) {
		return activityExpire, engine.Expire{Command: c, Task: w.results.tasks[s.ID].Task}
	})
	if passed {
		w.silent[s.ID] = true
	}
	return err
}

// overdue tells a person, once, that a task is overdue which silence never ends.
func (w *walk) overdue(ctx workflow.Context, s process.Step) error {
	passed, err := w.effect(ctx, reads(ctx), s.ID+overdueSuffix, firstPass, func(c engine.Command) (string, any) {
		return activityMove, engine.Move{Command: c, Attention: engine.Overdue}
	})
	if passed {
		w.silent[s.ID] = true
	}
	return err
}

// receiveUntilDue waits for one more signal, or for the next due instant of the case.
func (w *walk) receiveUntilDue(ctx workflow.Context) error {
	var next time.Time
	for _, s := range w.open(ctx) {
		if at := w.deadline(s).Due.Add(beyond); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if next.IsZero() {
		w.set(ctx, next)
		w.receive(ctx)
		return nil
	}
	w.mayWait()
	w.set(ctx, next)
	selector := workflow.NewSelector(ctx)
	selector.AddReceive(w.signals, func(c workflow.ReceiveChannel, _ bool) {
		var e engine.Event
		c.Receive(ctx, &e)
		w.inbox.offer(e)
	})
	var err error
	selector.AddFuture(w.until.fired, func(f workflow.Future) {
		err = f.Get(ctx, nil)
		w.until = timer{}
	})
	selector.Select(ctx)
	return err
}

// set sets the timer, or ends it when at is zero. One that is set to the same instant already goes on.
func (w *walk) set(ctx workflow.Context, at time.Time) {
	if w.until.at.Equal(at) {
		return
	}
	if w.until.cancel != nil {
		w.until.cancel()
	}
	w.until = timer{}
	if at.IsZero() {
		return
	}
	ctx, cancel := workflow.WithCancel(ctx)
	w.until = timer{at: at, cancel: cancel, fired: workflow.NewTimer(ctx, at.Sub(workflow.Now(ctx)))}
}
