package task_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// Every pair of states under every silence effect, so that a new state cannot come without its row.
func TestEveryStepOfATaskIsLegalOrRefused(t *testing.T) {
	t.Parallel()
	legal := map[law.SilenceEffect]map[task.State][]task.State{
		law.None: {
			task.Assigned: {task.Completed, task.NotCompetent, task.Cancelled}, // silence means nothing: it never expires
		},
		law.Disregardable: {
			task.Assigned: {task.Completed, task.NotCompetent, task.Expired, task.Cancelled},
			task.Expired:  {task.Completed}, // a late answer is still recorded
		},
		law.DeemedGranted: {
			task.Assigned: {task.Completed, task.NotCompetent, task.Expired, task.Cancelled},
		},
	}
	for _, effect := range []law.SilenceEffect{law.None, law.Disregardable, law.DeemedGranted} {
		got := map[task.State][]task.State{}
		for _, from := range task.States() {
			for _, to := range task.States() {
				err := from.Move(to, effect)
				if err == nil {
					got[from] = append(got[from], to)
				} else if to != task.Expired && !strings.Contains(err.Error(), string(from)+" to "+string(to)) {
					t.Errorf("%s: %s to %s: the error does not name both: %v", effect, from, to, err)
				}
			}
		}
		if d := cmp.Diff(legal[effect], got); d != "" {
			t.Errorf("%s: %s", effect, d)
		}
	}
}

func TestATaskInAnUnknownStateDoesNotMove(t *testing.T) {
	t.Parallel()
	for _, to := range task.States() {
		if err := task.State("unknown").Move(to, law.Disregardable); err == nil {
			t.Errorf("unknown to %s", to)
		}
	}
}

func TestOverdueIsDerivedFromStateAndDueInstant(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 11, 28, 23, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		state task.State
		due   *time.Time
		now   time.Time
		want  bool
	}{
		"before":         {task.Assigned, &due, due.Add(-time.Microsecond), false},
		"at the instant": {task.Assigned, &due, due, false},
		"after":          {task.Assigned, &due, due.Add(time.Microsecond), true},
		"answered":       {task.Completed, &due, due.Add(time.Hour), false},
		"returned":       {task.NotCompetent, &due, due.Add(time.Hour), false},
		"expired":        {task.Expired, &due, due.Add(time.Hour), false},
		"cancelled":      {task.Cancelled, &due, due.Add(time.Hour), false},
		"no due instant": {task.Assigned, nil, due.Add(time.Hour), false},
	} {
		x := task.Task{State: c.state, Deadline: law.Deadline{Due: c.due}}
		if got := x.Overdue(c.now); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
