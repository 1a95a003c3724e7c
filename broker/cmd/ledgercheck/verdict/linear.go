package verdict

import (
	"cmp"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
)

// thought bounds how long one object is thought about; a few dozen requests about it take milliseconds.
const thought = 10 * time.Second

// step is one operation on an object that is decided once.
type step struct {
	what     stepKind
	decision witness.Decision
}

type stepKind int

const (
	taken    stepKind = iota // the answer says that the decision was taken, now or by an earlier request
	conflict                 // the answer says that the object was decided otherwise before
	lost                     // no answer: the decision may have been taken, or be taken later
	byOther                  // the decision was taken by another way than a request of a recipient
	seen                     // it was shown
)

// silence is the decision that silence makes; where the law lets it be disregarded, a late answer still follows.
const silence witness.Decision = "expired"

// next lists what an object can be after a step; nothing when the step cannot be.
func next(now witness.Decision, s step) []any {
	open := now == "" || now == silence
	switch {
	case s.what == lost && open:
		return []any{now, s.decision}
	case s.what == lost, s.what == seen && now == s.decision, s.what == conflict && now != "" && now != s.decision:
		return []any{now}
	case s.what == taken && (open || now == s.decision), s.what == byOther && open:
		return []any{s.decision}
	}
	return nil
}

// once is the model of an object that is open until it is decided, and stays so.
var once = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{witness.Decision("")} },
	Step: func(now, s, _ any) []any {
		decision, _ := now.(witness.Decision)
		taking, _ := s.(step)
		return next(decision, taking)
	},
}).ToModel()

// linear checks that the answers about each task and each delivery fit one order in which every request took its effect
// between its beginning and its answer, and the ledger holds what came of it. Requests whose beginning was not written
// down are left out.
func (c *court) linear() {
	final, spoken := c.decisions(), c.spoken()
	histories := map[witness.Object][]porcupine.Operation{}
	places := map[witness.Object]string{}
	explained := map[witness.Object]bool{}
	for _, e := range c.Exchanges {
		if e.Began == 0 {
			continue
		}
		for object, decision := range e.Shown() {
			places[object] = e.Place.String()
			histories[object] = append(histories[object], porcupine.Operation{Call: e.Began, Return: e.At, Input: step{seen, decision}})
		}
		object, s, counts := c.step(e, final)
		if !counts {
			continue
		}
		op := porcupine.Operation{Call: e.Began, Return: e.At, Input: s}
		if s.what == lost {
			op.Return = math.MaxInt64
		}
		places[object] = e.Place.String()
		histories[object] = append(histories[object], op)
		explained[object] = explained[object] || s.what != conflict && s.decision == final[object]
	}
	for _, object := range slices.SortedFunc(maps.Keys(histories), func(a, b witness.Object) int { return cmp.Compare(a.ID, b.ID) }) {
		history := histories[object]
		other := porcupine.Operation{Call: 0, Return: math.MaxInt64 - 2, Input: step{byOther, final[object]}}
		if explained[object] { // then it may have been decided by another way before
			other.Input = step{lost, final[object]}
		}
		if final[object] != "" && (!explained[object] || spoken[object]) {
			history = append(history, other)
		}
		history = append(history, porcupine.Operation{Call: math.MaxInt64 - 1, Return: math.MaxInt64, Input: step{seen, final[object]}})
		c.saw()
		switch porcupine.CheckOperationsTimeout(once, history, thought) {
		case porcupine.Ok:
		case porcupine.Illegal:
			c.broken(places[object], "the answers about a "+string(object.Kind)+" fit no order of its requests", object.ID)
		case porcupine.Unknown:
			c.broken(places[object], "the answers about a "+string(object.Kind)+" could not be judged within "+thought.String(), object.ID)
		}
	}
}

// outboxOf begins the name of the topic on which an authority answers.
const outboxOf = "efa.outbox."

// spoken are the tasks and deliveries of authorities that have answered in the case over their own topics: what a request says
// may have been said there before.
func (c *court) spoken() map[witness.Object]bool {
	taken := map[[2]string]bool{}
	for _, t := range c.Ledger.Taken {
		taken[[2]string{t.Case, t.Topic}] = true
	}
	out := map[witness.Object]bool{}
	for _, events := range c.Ledger.Events {
		for _, e := range events {
			if e.Type == assigned {
				out[witness.Object{Kind: witness.Task, ID: e.About.Task}] = taken[[2]string{e.Case, outboxOf + e.About.Authority}]
			}
		}
	}
	for _, d := range c.Ledger.Deliveries {
		out[witness.Object{Kind: witness.Delivery, ID: d.ID}] = taken[[2]string{d.Case, outboxOf + d.Authority}]
	}
	return out
}

// step is the step of a request that decides something. A request that was refused for itself changes nothing. Of a task with
// a due instant no conflict is judged: one that came too late may conflict with an expiry that is not recorded yet.
func (c *court) step(e witness.Exchange, final map[witness.Object]witness.Decision) (witness.Object, step, bool) {
	object, decision, ok := e.Asked()
	if !ok {
		return object, step{}, false
	}
	if decision == "" {
		decision = final[object]
	}
	switch {
	case e.Status == http.StatusOK:
		return object, step{taken, decision}, true
	case e.Status == http.StatusConflict:
		return object, step{conflict, decision}, !c.Ledger.Dated[object.ID]
	case e.Status == 0, e.Status >= http.StatusInternalServerError:
		return object, step{lost, decision}, decision != ""
	}
	return object, step{}, false
}

// decisions are those that the ledger holds. A task that was cancelled with its erased case was decided by nobody.
func (c *court) decisions() map[witness.Object]witness.Decision {
	out := map[witness.Object]witness.Decision{}
	for _, events := range c.Ledger.Events {
		for _, e := range events {
			task := witness.Object{Kind: witness.Task, ID: e.About.Task}
			switch e.Type {
			case completed:
				out[task] = witness.Completed(e.About.Outcome)
			case returned:
				out[task] = witness.NotCompetent
			case expired:
				out[task] = silence
			}
		}
	}
	for _, d := range c.Ledger.Deliveries {
		if decision := witness.Decision(d.State); decision == witness.Accepted || decision == witness.Rejected {
			out[witness.Object{Kind: witness.Delivery, ID: d.ID}] = decision
		}
	}
	return out
}
