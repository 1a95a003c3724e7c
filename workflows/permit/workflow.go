package permit

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/process"
)

// Names under which the workflow is reached, as they stand in histories: they never change.
const (
	// WorkflowName is the type of the workflow; its id is the case id.
	WorkflowName = "permit"
	// TaskQueue is the queue that the workers of the process engine poll.
	TaskQueue = "efa-permit"
	// SignalEvent carries an engine.Event that the ledger hands over.
	SignalEvent = "ledger-event"
	// QueryPosition answers with a Position, for debugging only: pages read the ledger.
	QueryPosition = "position"
)

// Position is where a case stands in its process.
type Position struct {
	// Step is the id of the step at which the process is; empty before the case was loaded.
	Step string `json:"step"`
	// Applied is the last EngineSeq that the process has applied.
	Applied int64 `json:"applied"`
	// Held is the number of events that came early.
	Held int `json:"held"`
	// Awaits is the id of the task whose outcome the process waits for; empty when it waits for none.
	Awaits string `json:"awaits,omitempty"`
	// Attention is true while the process waits for a person to mend what a step met.
	Attention bool `json:"attention,omitempty"`
}

// interpreter is the workflow with what its process shares: the definitions.
type interpreter struct {
	definitions *registry
}

func registerWorkflow(r worker.WorkflowRegistry, i *interpreter) {
	r.RegisterWorkflowWithOptions(i.run, workflow.RegisterOptions{Name: WorkflowName})
}

// run walks the process of one case to its end. It returns nil when the case has ended, a continue-as-new error when the
// history has become long, and an error only when the run was cancelled.
func (i *interpreter) run(ctx workflow.Context, start engine.Start) error {
	w := &walk{
		start:      start,
		definition: i.definitions.lookup(start.Definition),
		signals:    workflow.GetSignalChannel(ctx, SignalEvent),
		inbox:      newInbox(),
		answers:    map[string]engine.Event{},
		outcomes:   map[string]string{},
		facts:      fact.Values{},
		told:       fact.Values{},
		attention:  map[string]int{},
		escalated:  map[string]int64{},
		silent:     map[string]bool{},
	}
	if err := workflow.SetQueryHandler(ctx, QueryPosition, w.query); err != nil {
		return err
	}
	open, err := w.begin(ctx)
	if err != nil || !open {
		return err
	}
	for w.step = range w.definition.Steps {
		if w.renewal(ctx) {
			return w.renew(ctx)
		}
		ended, err := w.take(ctx, w.definition.Steps[w.step])
		if err != nil || ended {
			return err
		}
	}
	return nil
}

// walk is the whole state of a run. Nothing in it outlives the run: it is rebuilt from the ledger.
type walk struct {
	start      engine.Start
	definition *process.Definition
	signals    workflow.ReceiveChannel

	// kase is the case as the ledger gave it at the start of the run; begun is true from then on.
	kase    engine.Case
	begun   bool
	inbox   inbox
	results results
	// step is the index of the step at which the process is.
	step int

	// answers are the latest applied answers by step of the task, visible or not.
	answers map[string]engine.Event
	// told are the facts of all applied answers; an announcement needs what is known now.
	told fact.Values
	// outcomes and facts are what conditions see: answers that a passed step awaited.
	outcomes map[string]string
	facts    fact.Values

	// attention counts how often a step called for a person; escalated is the EngineSeq of the answer that did it last.
	attention map[string]int
	escalated map[string]int64

	// silent are the steps whose task silence has ended, and those of whose silence a person was told; until is the timer to
	// the next due instant.
	silent map[string]bool
	until  timer
	// silencing is true while the silence of a task is being recorded.
	silencing bool

	awaits  string
	waiting bool
}

// query answers QueryPosition.
func (w *walk) query() (Position, error) {
	p := Position{Applied: w.inbox.applied, Held: len(w.inbox.held), Awaits: w.awaits, Attention: w.waiting}
	if w.begun {
		p.Step = w.definition.Steps[w.step].ID
	}
	return p, nil
}

// begin reads case and events from the ledger. It reports false when the case has ended: then there is nothing to do.
func (w *walk) begin(ctx workflow.Context) (bool, error) {
	if err := answer(ctx, workflow.ExecuteActivity(reads(ctx), activityLoad, w.start.Case), &w.kase); err != nil {
		return false, err
	}
	if !w.kase.Open {
		return false, nil
	}
	w.results = newResults(w.kase.Steps)
	for _, name := range workflow.DeterministicKeys(w.kase.Facts) {
		w.facts[name] = w.kase.Facts[name]
	}
	if err := w.read(ctx); err != nil {
		return false, err
	}
	w.apply()
	w.begun = true
	return true, nil
}

// renewal reports that the run should be followed by a new one: its history has become long, or workers of a newer version
// are current.
func (w *walk) renewal(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() || info.GetTargetWorkerDeploymentVersionChanged()
}

// renew ends the run. The new one starts on the current version and rebuilds itself from the ledger, which also holds the
// events of signals that this run has not read.
func (w *walk) renew(ctx workflow.Context) error {
	options := workflow.ContinueAsNewErrorOptions{InitialVersioningBehavior: workflow.ContinueAsNewVersioningBehaviorAutoUpgrade}
	return workflow.NewContinueAsNewErrorWithOptions(ctx, options, WorkflowName, w.start)
}
