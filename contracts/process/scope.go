package process

import (
	"fmt"
	"maps"
	"slices"

	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// name is what a condition can refer to: facts.<Field> or outcome.<Field>.
type name struct {
	root, field string
}

func (n name) String() string { return n.root + "." + n.field }

// The two variables of a condition.
const (
	rootFacts   = "facts"
	rootOutcome = "outcome"
)

// entry is one name that a condition may use.
type entry struct {
	decl fact.Declaration
	// optional names may be absent at run time and have to be guarded by has().
	optional bool
}

// scope is what the condition of one step can see, and why it cannot see the rest.
type scope struct {
	visible map[name]entry
	hidden  map[name]string
}

// scopes computes for every step what has certainly or possibly happened before it. An outcome becomes visible when the
// step that awaits it has passed, so a condition never depends on the moment at which an event arrives.
func (d *Definition) scopes() []scope {
	current := d.before()
	all := make([]scope, len(d.Steps))
	for i, s := range d.Steps {
		all[i] = current.copy()
		if t := d.awaited(s); t != nil {
			current.pass(*t, d.words(*t.Task), d.facts)
		}
	}
	return all
}

// before is the scope of the first step: the facts that intake derives.
func (d *Definition) before() scope {
	sc := scope{visible: map[name]entry{}, hidden: map[name]string{}}
	for f, decl := range d.facts {
		n := name{rootFacts, f}
		if decl.Sensitive {
			sc.hidden[n] = "is sensitive and stays in the vault"
			continue
		}
		sc.visible[n] = entry{decl: decl}
	}
	for _, s := range d.Steps {
		if s.Task == nil {
			continue
		}
		sc.hidden[name{rootOutcome, s.ID}] = "is not awaited by an earlier step"
		for _, f := range s.Task.OutcomeFacts {
			n := name{rootFacts, f}
			delete(sc.visible, n)
			sc.hidden[n] = fmt.Sprintf("comes with the outcome of step %s, which no earlier step has awaited", s.ID)
		}
	}
	return sc
}

// awaited is the step whose outcome is known once s has passed; nil for none.
func (d *Definition) awaited(s Step) *Step {
	switch {
	case s.Task != nil && s.Task.Await:
		return &s
	case s.Wait != nil:
		if t := d.Step(s.Wait.Task); t != nil && t.Task != nil {
			return t
		}
	}
	return nil
}

// words are the outcomes that a task may have: those that its holder gives, and the one that the law makes of silence.
func (d *Definition) words(t Task) []string {
	all := slices.Clone(t.Outcomes)
	if silence := engine.Silence(d.deadlines[t.Law].SilenceEffect); silence != "" {
		all = append(all, silence)
	}
	return all
}

func (sc scope) pass(s Step, outcomes []string, facts map[string]fact.Declaration) {
	n := name{rootOutcome, s.ID}
	delete(sc.hidden, n)
	sc.visible[n] = entry{
		decl:     fact.Declaration{Type: "enum", Values: outcomes},
		optional: s.When != "",
	}
	for _, f := range s.Task.OutcomeFacts {
		if decl, ok := facts[f]; ok && !decl.Sensitive {
			n := name{rootFacts, f}
			delete(sc.hidden, n)
			sc.visible[n] = entry{decl: decl, optional: true}
		}
	}
}

func (sc scope) copy() scope {
	return scope{visible: maps.Clone(sc.visible), hidden: maps.Clone(sc.hidden)}
}
