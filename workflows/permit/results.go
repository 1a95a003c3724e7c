package permit

import (
	"math"
	"slices"
	"time"

	"github.com/efa-broker/efa-broker/contracts/engine"
)

// results are the answers of the ledger: those that it keeps from an earlier life of the process and that have not been
// passed yet, and when each passed step was appended.
type results struct {
	pending []engine.Result
	at      map[string]time.Time
	// tasks are the results of the steps that assigned a task.
	tasks map[string]engine.Result
}

func newResults(stored []engine.Result) results {
	return results{pending: slices.Clone(stored), at: map[string]time.Time{}, tasks: map[string]engine.Result{}}
}

// stored finds the kept result of one pass of a step.
func (r *results) stored(step string, pass int) (engine.Result, bool) {
	for _, res := range r.pending {
		if res.Step == step && res.Pass == pass {
			return res, true
		}
	}
	return engine.Result{}, false
}

// pass marks a result as passed.
func (r *results) pass(res engine.Result) {
	r.at[res.Step] = res.At
	if res.Task != "" {
		r.tasks[res.Step] = res
	}
	r.pending = slices.DeleteFunc(r.pending, func(p engine.Result) bool { return p.Step == res.Step && p.Pass == res.Pass })
}

// kept reports whether the ledger keeps the result of one pass of a step that may be passed now: no other kept one knew
// fewer events.
func (r *results) kept(step string, pass int) bool {
	res, ok := r.stored(step, pass)
	return ok && res.EngineSeq <= r.limit()
}

// limit is the last EngineSeq that may be applied now: an event later than that of a kept result was not known when its
// step was done.
func (r *results) limit() int64 {
	limit := int64(math.MaxInt64)
	for _, res := range r.pending {
		limit = min(limit, res.EngineSeq)
	}
	return limit
}
