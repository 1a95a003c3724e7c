package process

import (
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Engine is the version of the vocabulary that this package reads. A change of meaning raises it; it never changes the
// meaning of a definition that a case already keeps.
const Engine = 1

// LegalBasis is the code of the legal basis on which everything in a process of engine 1 is sent: processing that a legal
// obligation demands (GDPR Art. 6(1)(c)). The norm itself stands in the law record.
const LegalBasis = "eu-gdpr:A6-1-c"

// Definition is a checked permit process. It never changes after Load or Open, so it may be shared by all cases.
type Definition struct {
	// Process is the name that people see, for example "trade-notice-registration".
	Process string `json:"process"`
	// Steps are walked in order; the last one is an end without a condition.
	Steps []Step `json:"steps"`

	facts      map[string]fact.Declaration
	deadlines  map[string]law.DeadlineRecord
	conditions []condition
	hash       string
}

// Hash is the SHA-256 of the resolved document, 64 hex digits. It is empty for a definition that came from Load, because
// only a resolved document has an identity.
func (d *Definition) Hash() string { return d.hash }

// Deadline is the law record that the definition was resolved with. It reports false for a record that no step names.
func (d *Definition) Deadline(id string) (law.DeadlineRecord, bool) {
	r, ok := d.deadlines[id]
	return r, ok
}

// Step finds a step by its id; nil when there is none.
func (d *Definition) Step(id string) *Step {
	for i := range d.Steps {
		if d.Steps[i].ID == id {
			return &d.Steps[i]
		}
	}
	return nil
}

// Kind is what a step does.
type Kind int

// The four kinds of step; KindNone is a step that the loader refuses.
const (
	KindNone Kind = iota
	KindTask
	KindCall
	KindWait
	KindEnd
)

// Step is one step of a process; exactly one of Task, Call, Wait and End is set.
type Step struct {
	// ID is unique in the definition, ^[a-z][a-z0-9_]{0,62}$. Results, tasks and events are named after it.
	ID string `json:"id"`
	// When is a CEL expression of type bool; empty means always.
	When string `json:"when,omitempty"`
	Task *Task  `json:"task,omitempty"`
	Call Call   `json:"call,omitempty"`
	// With are the arguments of Call; nil for a call that takes none.
	With *With `json:"with,omitempty"`
	Wait *Wait `json:"wait,omitempty"`
	// End is the procedural state in which the process leaves the case; engine 1 knows procedure.Closed.
	End procedure.State `json:"end,omitempty"`

	lines map[string]int
}

// Kind says which one of the kinds is set.
func (s Step) Kind() Kind {
	switch {
	case s.Task != nil:
		return KindTask
	case s.Call != "":
		return KindCall
	case s.Wait != nil:
		return KindWait
	case s.End != "":
		return KindEnd
	}
	return KindNone
}

func (s Step) kinds() int {
	n := 0
	for _, set := range []bool{s.Task != nil, s.Call != "", s.Wait != nil, s.End != ""} {
		if set {
			n++
		}
	}
	return n
}

// Receipt is the Task.Start of a period that runs from the receipt of the application.
const Receipt = "receipt"

// Task is something that an authority has to do.
type Task struct {
	// Role is the role in which a party of the case holds the task.
	Role authority.Role `json:"role"`
	// Purpose is the purpose for which the holder may fetch content.
	Purpose string `json:"purpose"`
	// Law is the id of the deadline record: period and silence effect come from there.
	Law string `json:"law"`
	// Start is the event from which the period runs: Receipt, or the id of an earlier step that calls acknowledge.
	Start string `json:"start"`
	// Opens is the service whose submission completes the task; empty when an outcome completes it.
	Opens key.ServiceKey `json:"opens,omitempty"`
	// Outcomes are the answers that complete the task. That the holder is not competent is always possible besides.
	Outcomes []string `json:"outcomes"`
	// OutcomeFacts are declared facts that may come with an outcome.
	OutcomeFacts []string `json:"outcome_facts,omitempty"`
	// Await is false when the process goes on without the outcome; then a later step waits for it.
	Await bool `json:"await"`
}

// Call names an act of the broker; the list is closed.
type Call string

const (
	// Announce tells the parties with a law row for one of the purposes that there is something for them.
	Announce Call = "announce"
	// Acknowledge certifies the receipt of the application (GewO § 15(1)).
	Acknowledge Call = "acknowledge"
)

// With are the arguments of a call.
type With struct {
	// Purposes choose the law rows of an announcement.
	Purposes []string `json:"purposes"`
}

// Wait waits for the outcome of a task.
type Wait struct {
	// Task is the id of an earlier step whose task has Await false.
	Task string `json:"task"`
}
