package permit

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/workflows/workflowtest"
)

const caseID = "6a3e1c1e-0000-4000-8000-000000000001"

// bench runs the workflow of one case in simulated time over a ledger in memory.
type bench struct {
	env    *testsuite.TestWorkflowEnvironment
	ledger *workflowtest.Ledger
	start  engine.Start
}

// submitted is a ledger with one case of the definition src.
func submitted(t *testing.T, src string, facts fact.Values) (*workflowtest.Ledger, workflowtest.Definitions, engine.Start) {
	t.Helper()
	definitions := workflowtest.Definitions{}
	start := engine.Start{Case: caseID, Definition: definitions.Add(t, src)}
	ledger := workflowtest.NewLedger()
	ledger.Submit(engine.Case{
		ID: caseID, Service: "99050012104000", Definition: start.Definition, Kind: procedure.Notification, Facts: facts,
		Parties: []authority.Party{
			{Role: authority.Lead, Authority: "gewerbeamt-muenchen"},
			{Role: authority.Previous, Authority: "gewerbeamt-nuernberg"},
		},
	})
	return ledger, definitions, start
}

func newBench(
	tb testing.TB, ledger *workflowtest.Ledger, source Source, start engine.Start, faults ...interceptor.WorkerInterceptor,
) *bench {
	tb.Helper()
	quiet := slog.New(slog.DiscardHandler)
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(sdklog.NewStructuredLogger(quiet))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(10 * time.Second)
	env.SetWorkerOptions(worker.Options{Interceptors: faults})
	registerWorkflow(env, &interpreter{definitions: newRegistry(source, quiet)})
	registerActivities(env, &activities{ports: ledger, logger: quiet})
	return &bench{env: env, ledger: ledger, start: start}
}

// moving is a bench for a registration by moving from another district.
func moving(t *testing.T, faults ...interceptor.WorkerInterceptor) *bench {
	t.Helper()
	ledger, definitions, start := submitted(t, workflowtest.Registration, fact.Values{"full_move": true})
	return newBench(t, ledger, definitions, start, faults...)
}

// at lets something happen after d of simulated time; the events that it returns are signalled in their order.
func (b *bench) at(d time.Duration, happen func() []engine.Event) {
	b.env.RegisterDelayedCallback(func() {
		for _, e := range happen() {
			b.env.SignalWorkflow(SignalEvent, e)
		}
	}, d)
}

// answer lets the holder of a task answer after d.
func (b *bench) answer(d time.Duration, step, outcome string, facts fact.Values) {
	b.at(d, func() []engine.Event { return []engine.Event{b.ledger.Answer(caseID, step, outcome, facts)} })
}

// office plays both offices of a move: registration after an hour, deregistration after two.
func (b *bench) office() {
	b.answer(time.Hour, "register", "registered", fact.Values{"indications_of_violation": true})
	b.answer(2*time.Hour, "forward", "deregistered", nil)
}

// run walks the process and returns the error of the workflow.
func (b *bench) run() error {
	b.env.ExecuteWorkflow(WorkflowName, b.start)
	return b.env.GetWorkflowError()
}

func (b *bench) mustRun(t *testing.T) {
	t.Helper()
	if err := b.run(); err != nil {
		t.Fatalf("the workflow failed: %v", err)
	}
	if !b.env.IsWorkflowCompleted() {
		t.Fatal("the workflow did not end")
	}
}

// runUntilItWaits walks a process that never ends: simulated time runs on until the environment's execution timeout.
func (b *bench) runUntilItWaits(t *testing.T) {
	t.Helper()
	var timeout *temporal.TimeoutError
	if err := b.run(); !errors.As(err, &timeout) {
		t.Fatalf("workflow error = %v, want that it waits for ever", err)
	}
}

// way is the list of appended commands as step/pass, in order.
func way(l *workflowtest.Ledger) []string {
	var all []string
	for _, e := range l.Effects(caseID) {
		all = append(all, e.Result.Step)
	}
	return all
}

// neutral is an event that the process takes note of and that answers no task.
var neutral = engine.Event{Type: "de.efa.case.noted.v1"}

// probe runs a port call as an activity, because guarded asks for the activity's info.
func probe(t *testing.T, a *activities, call func() (engine.Result, error)) error {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	f := func(ctx context.Context) (engine.Result, error) { return guarded(ctx, a, call) }
	env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: "probe"})
	_, err := env.ExecuteActivity("probe")
	return err
}
