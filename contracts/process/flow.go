package process

import (
	"maps"
	"slices"
)

// outcomeFacts checks that every fact of an outcome is declared, may stand in an event, and comes from one task only, so
// that no outcome overwrites another.
func (c *checker) outcomeFacts() {
	from := map[string]string{}
	for i, s := range c.def.Steps {
		if s.Task == nil {
			continue
		}
		for _, f := range s.Task.OutcomeFacts {
			decl, known := c.env.Facts[f]
			switch {
			case f == "": // refused by the reader
			case !known:
				c.refuse(i, "task.outcome_facts", "outcome_facts: %q is not a declared fact", f)
			case decl.Sensitive:
				c.refuse(i, "task.outcome_facts", "outcome_facts: %q is sensitive and must not stand in an event", f)
			case from[f] != "":
				c.refuse(i, "task.outcome_facts", "outcome_facts: %q comes with step %s already", f, from[f])
			default:
				from[f] = s.ID
			}
		}
	}
}

func (c *checker) wait(i int, s Step) {
	id := s.Wait.Task
	if id == "" {
		return // refused by the reader
	}
	j := slices.IndexFunc(c.def.Steps[:i], func(s Step) bool { return s.ID == id })
	switch {
	case j < 0 || c.def.Steps[j].Task == nil:
		c.refuse(i, "wait.task", "wait: %q is no task of an earlier step", id)
	case c.def.Steps[j].Task.Await:
		c.refuse(i, "wait.task", "wait: step %s awaits its outcome itself; set await: false there", id)
	case s.When != "" && s.When != c.def.Steps[j].When:
		c.refuse(i, "when", "when: want the condition of step %s or none, else its outcome might not be awaited", id)
	case slices.ContainsFunc(c.def.Steps[:i], func(s Step) bool { return s.Wait != nil && s.Wait.Task == id }):
		c.refuse(i, "wait.task", "wait: an earlier step waits for %q already", id)
	}
}

// ends checks that the walk always reaches an end, and nothing stands where no walk comes.
func (c *checker) ends() {
	last := len(c.def.Steps) - 1
	for i, s := range c.def.Steps {
		always := s.Kind() == KindEnd && s.When == ""
		switch {
		case i < last && always:
			c.refuse(i+1, "", "the step is never reached: an end without a condition stands before it")
		case i == last && !always:
			c.refuse(i, "", "the last step must be an end without a condition")
		}
	}
}

// open checks that every task with await: false is waited for before each end that may follow it.
func (c *checker) open() {
	tasks := map[string]int{}
	for i, s := range c.def.Steps {
		switch s.Kind() {
		case KindTask:
			if !s.Task.Await {
				tasks[s.ID] = i
			}
		case KindWait:
			delete(tasks, s.Wait.Task)
		case KindEnd:
			for _, id := range slices.Sorted(maps.Keys(tasks)) {
				c.refuse(i, "end", "end: step %s is not waited for before this end", id)
			}
		case KindCall, KindNone:
		}
	}
}
