package process

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Limits of a definition; far above what a process of people needs.
const (
	// MaxBytes is the size of a source above which it is refused unread.
	MaxBytes = 64 << 10
	// MaxSteps is the largest number of steps.
	MaxSteps = 200
)

// Env is what a definition may refer to: the closed lists of the service package and of the law.
type Env struct {
	// Facts are the facts that the service package declares, those that come with an outcome among them.
	Facts map[string]fact.Declaration
	// Roles are the roles that the service package declares.
	Roles []authority.Role
	// Purposes are the purposes for which law rows exist.
	Purposes []string
	// Deadline finds a law record by its id on the day for which the definition is resolved; any error means unknown.
	Deadline func(id string) (law.DeadlineRecord, error)
}

// Load reads and checks a definition. It returns an Invalid error whose problems list every fault with file and line; a
// definition that it returns can be walked to its end for every case of the service package.
func Load(src []byte, env Env) (*Definition, error) {
	r := &reader{}
	if len(src) > MaxBytes {
		r.refuse(1, "the file is larger than %d bytes", MaxBytes)
		return nil, r.err()
	}
	d := r.definition(src)
	if len(r.problems) > 0 && (d == nil || len(d.Steps) == 0) {
		return nil, r.err()
	}
	r.problems = append(r.problems, d.check(env)...)
	if len(r.problems) > 0 {
		return nil, r.err()
	}
	return d, nil
}

func (r *reader) err() error { return invalid(opLoad, r.problems) }

func invalid(op string, problems []contracts.Problem) error {
	slices.SortStableFunc(problems, func(a, b contracts.Problem) int { return lineOf(a) - lineOf(b) })
	return &contracts.Error{
		Kind: contracts.Invalid, Op: op, Problems: problems,
		Err: errors.New("the definition has faults"),
	}
}

func lineOf(p contracts.Problem) int {
	_, line, _ := strings.Cut(p.Pointer, ":")
	n, _ := strconv.Atoi(line)
	return n
}

func (r *reader) definition(src []byte) *Definition {
	root := r.document(src)
	if root == nil {
		return nil
	}
	fields := r.mapping(root, "process", "process", "engine", "steps")
	if fields == nil {
		return nil
	}
	d := &Definition{}
	if n := r.need(fields, root, "process", "process"); n != nil {
		d.Process = r.text(n, "process")
		if d.Process != "" && !processPattern.MatchString(d.Process) {
			r.refuse(n.Line, "process: want lower-case letters, digits and hyphens, a letter first")
		}
	}
	if n := r.need(fields, root, "process", "engine"); n != nil {
		if v := r.integer(n, "engine"); v != Engine {
			r.refuse(n.Line, "engine: this broker reads engine %d only", Engine)
		}
	}
	if n := r.need(fields, root, "process", "steps"); n != nil {
		d.Steps = r.steps(n)
	}
	return d
}

func (r *reader) need(fields map[string]*yaml.Node, at *yaml.Node, what, name string) *yaml.Node {
	n := fields[name]
	if n == nil {
		r.refuse(at.Line, "%s: field %q is missing", what, name)
	}
	return n
}

func (r *reader) steps(n *yaml.Node) []Step {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 || len(n.Content) > MaxSteps {
		r.refuse(n.Line, "steps: want a list of 1 to %d steps", MaxSteps)
		return nil
	}
	steps := make([]Step, 0, len(n.Content))
	for _, item := range n.Content {
		steps = append(steps, r.step(item))
	}
	return steps
}

func (r *reader) step(n *yaml.Node) Step {
	s := Step{lines: map[string]int{"": n.Line}}
	fields := r.mapping(n, "step", "id", "when", "task", "call", "with", "wait", "end")
	if fields == nil {
		return s
	}
	for name, field := range fields {
		s.lines[name] = field.Line
	}
	if f := r.need(fields, n, "step", "id"); f != nil {
		s.ID = r.text(f, "id")
	}
	if f := fields["when"]; f != nil {
		s.When = r.text(f, "when")
	}
	if f := fields["task"]; f != nil {
		s.Task = r.task(f, s.lines)
	}
	if f := fields["call"]; f != nil {
		s.Call = Call(r.text(f, "call"))
	}
	if f := fields["with"]; f != nil {
		s.With = r.with(f, s.lines)
	}
	if f := fields["wait"]; f != nil {
		s.Wait = r.wait(f, s.lines)
	}
	if f := fields["end"]; f != nil {
		s.End = procedure.State(r.text(f, "end"))
	}
	kinds := 0
	for _, name := range []string{"task", "call", "wait", "end"} {
		if fields[name] != nil {
			kinds++
		}
	}
	if kinds != 1 {
		r.refuse(n.Line, "step: want exactly one of task, call, wait, end")
	}
	return s
}

func (r *reader) task(n *yaml.Node, lines map[string]int) *Task {
	const what = "task"
	t := &Task{Await: true}
	fields := r.mapping(n, what, "role", "purpose", "law", "start", "opens", "outcomes", "outcome_facts", "await")
	for name, field := range fields {
		lines["task."+name] = field.Line
	}
	required := func(name string) string {
		if f := r.need(fields, n, what, name); f != nil {
			return r.text(f, name)
		}
		return ""
	}
	t.Role = authority.Role(required("role"))
	t.Purpose = required("purpose")
	t.Law = required("law")
	t.Start = required("start")
	if f := r.need(fields, n, what, "outcomes"); f != nil {
		t.Outcomes = r.texts(f, "outcomes")
	}
	if f := fields["outcome_facts"]; f != nil {
		t.OutcomeFacts = r.texts(f, "outcome_facts")
	}
	if f := fields["opens"]; f != nil {
		t.Opens = key.ServiceKey(r.text(f, "opens"))
	}
	if f := fields["await"]; f != nil {
		t.Await = r.boolean(f, "await", true)
	}
	return t
}

func (r *reader) with(n *yaml.Node, lines map[string]int) *With {
	fields := r.mapping(n, "with", "purposes")
	w := &With{}
	if f := r.need(fields, n, "with", "purposes"); f != nil {
		lines["with.purposes"] = f.Line
		w.Purposes = r.texts(f, "purposes")
	}
	return w
}

func (r *reader) wait(n *yaml.Node, lines map[string]int) *Wait {
	fields := r.mapping(n, "wait", "task")
	w := &Wait{}
	if f := r.need(fields, n, "wait", "task"); f != nil {
		lines["wait.task"] = f.Line
		w.Task = r.text(f, "task")
	}
	return w
}
