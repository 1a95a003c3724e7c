package position_test

import (
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/position"
	"github.com/efa-broker/efa-broker/contracts/event"
)

func TestAJumpIsARecordBehindEventsThatNeverCame(t *testing.T) {
	t.Parallel()
	of := func(seqs ...int64) (out []event.Recorded) {
		for _, seq := range seqs {
			out = append(out, event.Recorded{Case: "c1", CaseSeq: seq}, event.Recorded{Case: "c2", CaseSeq: 90})
		}
		return out
	}
	for name, c := range map[string]struct {
		batch []event.Recorded
		done  int64
		want  bool
	}{
		"the next one":                   {of(4, 5), 3, false},
		"the first of a case":            {of(1), 0, false},
		"a repeat":                       {of(1, 2, 3), 3, false},
		"a repeat before the next":       {of(2, 3, 4), 3, false},
		"one is missing":                 {of(5), 3, true},
		"the first of a case is missing": {of(2, 3), 0, true},
		"a repeat before a jump":         {of(3, 5), 3, true},
		"of another case only":           {of(), 3, false},
	} {
		if got := position.Jumps(c.batch, "c1", c.done); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
