package event

import (
	"fmt"

	"github.com/efa-broker/efa-broker/contracts/engine"
)

// ForEngine reduces a recorded event to what the process may see of it. Only types that the catalogue marks as handed
// over can be reduced.
func ForEngine(r Recorded) (engine.Event, error) {
	e := engine.Event{EngineSeq: r.EngineSeq, ID: r.ID, Type: r.Type, At: r.Time, TraceParent: r.TraceParent}
	switch r.Type {
	case TypeCaseSubmitted:
		return e, nil
	case TypeTaskCompleted:
		d, err := Decode[TaskCompleted](r)
		if err != nil {
			return e, fmt.Errorf("read %s: %w", r.Type, err)
		}
		e.Task, e.Step, e.Pass, e.Outcome, e.Facts = d.Task, d.Step, d.Pass, d.Outcome, d.Facts
		return e, nil
	case TypeTaskReturned:
		d, err := Decode[TaskReturned](r)
		if err != nil {
			return e, fmt.Errorf("read %s: %w", r.Type, err)
		}
		e.Task, e.Step, e.Pass, e.Outcome = d.Task, d.Step, d.Pass, engine.NotCompetent
		return e, nil
	}
	return e, fmt.Errorf("%s is not handed over to the engine", r.Type)
}
