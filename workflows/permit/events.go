package permit

import (
	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts/engine"
)

// sync applies every event that may be applied now: those that signals brought and, at a gap, those that the ledger holds.
func (w *walk) sync(ctx workflow.Context) error {
	w.drain()
	w.apply()
	if w.inbox.gap() && w.inbox.applied < w.results.limit() {
		if err := w.read(ctx); err != nil {
			return err
		}
		w.apply()
	}
	return nil
}

// drain takes the signals that are here.
func (w *walk) drain() {
	var e engine.Event
	for w.signals.ReceiveAsync(&e) {
		w.inbox.offer(e)
		e = engine.Event{}
	}
}

// read asks the ledger for all events that have not been applied.
func (w *walk) read(ctx workflow.Context) error {
	var events []engine.Event
	err := answer(ctx, workflow.ExecuteActivity(reads(ctx), activityEvents, w.start.Case, w.inbox.applied), &events)
	if err != nil {
		return err
	}
	w.inbox.offer(events...)
	return nil
}

// apply moves events from the inbox into the state, in order, up to what the kept results allow.
func (w *walk) apply() {
	for {
		e, ok := w.inbox.next(w.results.limit())
		if !ok {
			return
		}
		if e.Step == "" || e.Outcome == "" {
			continue // the submission, or an event that answers no task
		}
		w.answers[e.Step] = e
		for _, name := range workflow.DeterministicKeys(e.Facts) {
			w.told[name] = e.Facts[name]
		}
	}
}

// applyThrough applies all events up to seq, which the ledger knew when it appended the result at hand.
func (w *walk) applyThrough(ctx workflow.Context, seq int64) error {
	if err := w.sync(ctx); err != nil {
		return err
	}
	if w.inbox.applied >= seq {
		return nil
	}
	if err := w.read(ctx); err != nil {
		return err
	}
	w.apply()
	if w.inbox.applied < seq {
		panic(stopLedger) // a result names an event that the ledger does not hold
	}
	return nil
}

// receive waits for one more signal.
func (w *walk) receive(ctx workflow.Context) {
	w.mayWait()
	var e engine.Event
	w.signals.Receive(ctx, &e)
	w.inbox.offer(e)
}

// mayWait stops a process that would wait for what has happened already.
func (w *walk) mayWait() {
	if w.inbox.applied >= w.results.limit() {
		panic(stopLedger) // a later step was done, although what it waited for has not happened
	}
}
