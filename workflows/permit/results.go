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
}

func newResults(stored []engine.Result) results {
	return results{pending: slices.Clone(stored), at: map[string]time.Time{}}
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
	r.pending = slices.DeleteFunc(r.pending, func(p engine.Result) bool { return p.Step == res.Step && p.Pass == res.Pass })
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
