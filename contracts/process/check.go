package process

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

var (
	processPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	idPattern      = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
)

// gives says which words of law.DeadlineRecord.StartEvent a start of engine 1 gives: the receipt of the application, or the
// certificate of that receipt, which the step that calls acknowledge makes.
func gives(start, event string) bool {
	if start == Receipt {
		return event == "receipt"
	}
	return event == "certificate" || event == string(Acknowledge)
}

// checker collects what is wrong with the meaning of a definition that could be read.
type checker struct {
	def      *Definition
	env      Env
	problems []contracts.Problem
}

// check checks the meaning of d, compiles its conditions and resolves what it refers to in env.
func (d *Definition) check(env Env) []contracts.Problem {
	c := &checker{def: d, env: env}
	d.facts = maps.Clone(env.Facts)
	d.deadlines = map[string]law.DeadlineRecord{}
	c.ids()
	for i := range d.Steps {
		c.step(i)
	}
	c.outcomeFacts()
	c.ends()
	c.open()
	d.conditions = make([]condition, len(d.Steps))
	for i, sc := range d.scopes() {
		compiled, problems := compile(d.Steps[i].When, sc)
		d.conditions[i] = compiled
		for _, p := range problems {
			c.refuse(i, "when", "when: %s", p)
		}
	}
	return c.problems
}

func (c *checker) refuse(step int, field, format string, args ...any) {
	pointer := "/process/steps/" + strconv.Itoa(step)
	if lines := c.def.Steps[step].lines; lines != nil {
		line, ok := lines[field]
		if !ok {
			line = lines[""]
		}
		pointer = File + ":" + strconv.Itoa(line)
	}
	c.problems = append(c.problems, contracts.Problem{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

func (c *checker) ids() {
	seen := map[string]bool{}
	for i, s := range c.def.Steps {
		if s.ID == "" {
			continue // refused by the reader
		}
		switch {
		case !idPattern.MatchString(s.ID):
			c.refuse(i, "id", "id: want lower-case letters, digits and underscores, a letter first")
		case s.ID == Receipt:
			c.refuse(i, "id", "id: %q is the name of a start event", Receipt)
		case seen[s.ID]:
			c.refuse(i, "id", "id: %q stands twice", s.ID)
		}
		seen[s.ID] = true
	}
}

func (c *checker) step(i int) {
	s := c.def.Steps[i]
	switch s.Kind() {
	case KindTask:
		c.task(i, s.Task)
	case KindCall:
		c.call(i, s)
	case KindWait:
		c.wait(i, s)
	case KindEnd:
		if s.End != procedure.Closed {
			c.refuse(i, "end", "end: want %s", procedure.Closed)
		}
	case KindNone: // refused by the reader
	}
	if s.With != nil && s.Call != Announce {
		c.refuse(i, "with", "with: only call: %s takes arguments", Announce)
	}
}

func (c *checker) task(i int, t *Task) {
	if t.Role != "" && !slices.Contains(c.env.Roles, t.Role) {
		c.refuse(i, "task.role", "role: %q is not declared by the service package", t.Role)
	}
	if t.Purpose != "" && !slices.Contains(c.env.Purposes, t.Purpose) {
		c.refuse(i, "task.purpose", "purpose: no law row is for %q", t.Purpose)
	}
	if _, err := key.ParseServiceKey(string(t.Opens)); t.Opens != "" && err != nil {
		c.refuse(i, "task.opens", "opens: %v", err)
	}
	seen := map[string]bool{}
	for _, o := range t.Outcomes {
		switch {
		case o == engine.NotCompetent:
			c.refuse(i, "task.outcomes", "outcomes: %s is always possible and never listed", engine.NotCompetent)
		case o == engine.Expired || o == engine.DeemedGranted:
			c.refuse(i, "task.outcomes", "outcomes: %s is what the law record makes of silence and never listed", o)
		case o != "" && !idPattern.MatchString(o):
			c.refuse(i, "task.outcomes", "outcomes: want lower-case letters, digits and underscores, a letter first")
		case seen[o]:
			c.refuse(i, "task.outcomes", "outcomes: %q stands twice", o)
		}
		seen[o] = true
	}
	c.period(i, t)
}

// period checks that the law record exists and that the step gives the event from which its period runs.
func (c *checker) period(i int, t *Task) {
	if t.Start != "" && t.Start != Receipt {
		j := slices.IndexFunc(c.def.Steps[:i], func(s Step) bool { return s.ID == t.Start })
		if j < 0 || c.def.Steps[j].Call != Acknowledge || c.def.Steps[j].When != "" {
			c.refuse(i, "task.start", "start: want %s, or an earlier step that calls %s on every way", Receipt, Acknowledge)
			return
		}
	}
	if t.Law == "" || t.Start == "" {
		return
	}
	if c.env.Deadline == nil {
		c.refuse(i, "task.law", "law: %q is no known record", t.Law)
		return
	}
	record, err := c.env.Deadline(t.Law)
	if err != nil {
		c.refuse(i, "task.law", "law: %q is no known record", t.Law)
		return
	}
	c.def.deadlines[t.Law] = record
	if !gives(t.Start, record.StartEvent) {
		c.refuse(i, "task.start", "start: the period of %s runs from %s", t.Law, record.StartEvent)
	}
}

func (c *checker) call(i int, s Step) {
	switch s.Call {
	case Announce:
		if s.With == nil {
			c.refuse(i, "call", "call: %s needs with: { purposes: [...] }", Announce)
			return
		}
		seen := map[string]bool{}
		for _, p := range s.With.Purposes {
			switch {
			case p != "" && !slices.Contains(c.env.Purposes, p):
				c.refuse(i, "with.purposes", "purposes: no law row is for %q", p)
			case seen[p]:
				c.refuse(i, "with.purposes", "purposes: %q stands twice", p)
			}
			seen[p] = true
		}
	case Acknowledge:
		if slices.ContainsFunc(c.def.Steps[:i], func(s Step) bool { return s.Call == Acknowledge }) {
			c.refuse(i, "call", "call: a receipt is acknowledged once")
		}
	default:
		c.refuse(i, "call", "call: %q is unknown, want %s or %s", s.Call, Announce, Acknowledge)
	}
}
