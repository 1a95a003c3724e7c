package bare

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts"
)

// Plan is the shape of a process: how many activities it runs after its first signal, and after its second.
type Plan struct {
	Before int `json:"before"`
	After  int `json:"after"`
}

// Process runs workflows of the shape of a plan, on a task queue of its own, with activities that do nothing.
type Process struct {
	client    client.Client
	namespace string
	queue     string
	worker    worker.Worker

	mu      sync.Mutex
	waiting map[string]chan struct{}
}

// Names of the baseline's workflow.
const (
	workflowName = "bench"
	activityName = "nothing"
	signalName   = "event"
)

// NewProcess connects, and Start works. The caller closes it.
func NewProcess(ctx context.Context, address, namespace string) (*Process, error) {
	c, err := client.DialContext(ctx, client.Options{
		HostPort: address, Namespace: namespace, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "connect to process engine", "%s: %w", address, err)
	}
	return &Process{client: c, namespace: namespace, queue: "efa-bench-" + uuid.NewString(), waiting: map[string]chan struct{}{}}, nil
}

// Start begins to work, with the options of the broker's own worker.
func (p *Process) Start() error {
	p.worker = worker.New(p.client, p.queue, worker.Options{})
	p.worker.RegisterWorkflowWithOptions(run, workflow.RegisterOptions{Name: workflowName})
	p.worker.RegisterActivityWithOptions(p.nothing, activity.RegisterOptions{Name: activityName})
	if err := p.worker.Start(); err != nil {
		return contracts.Errorf(contracts.Unavailable, "start bare worker", "%w", err)
	}
	return nil
}

// Close stops working.
func (p *Process) Close() {
	if p.worker != nil {
		p.worker.Stop()
	}
	p.client.Close()
}

// Running counts the workflows of the namespace that have not ended.
func (p *Process) Running(ctx context.Context) (int64, error) {
	answer, err := p.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: p.namespace, Query: "ExecutionStatus = 'Running'",
	})
	if err != nil {
		return 0, contracts.Errorf(contracts.Unavailable, "count running processes", "%w", err)
	}
	return answer.GetCount(), nil
}

// Shape reads from the history of a case's process how many activities it ran after each signal.
func (p *Process) Shape(ctx context.Context, caseID string) (Plan, error) {
	var plan Plan
	signals := 0
	for history := p.client.GetWorkflowHistory(ctx, caseID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); history.HasNext(); {
		e, err := history.Next()
		if err != nil {
			return plan, contracts.Errorf(contracts.Unavailable, "read history", "%w", err)
		}
		switch e.GetEventType() { //nolint:exhaustive // two kinds of event tell the shape
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
			signals++
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			if signals < 2 {
				plan.Before++
			} else {
				plan.After++
			}
		}
	}
	if signals != 2 || plan.Before == 0 || plan.After == 0 {
		return plan, contracts.Errorf(contracts.Internal, "read history", "the process of case %s has %d signals, %+v; want 2 with activities after each", caseID, signals, plan)
	}
	return plan, nil
}

// Begin starts a workflow with its first signal.
func (p *Process) Begin(ctx context.Context, id string, plan Plan) error {
	options := client.StartWorkflowOptions{ID: id, TaskQueue: p.queue}
	if _, err := p.client.SignalWithStartWorkflow(ctx, id, signalName, 1, options, workflowName, plan); err != nil {
		return contracts.Errorf(contracts.Unavailable, "start bare process", "%w", err)
	}
	return nil
}

// Answer sends the second signal.
func (p *Process) Answer(ctx context.Context, id string) error {
	if err := p.client.SignalWorkflow(ctx, id, "", signalName, 2); err != nil {
		return contracts.Errorf(contracts.Unavailable, "signal bare process", "%w", err)
	}
	return nil
}

// Done waits until the n-th activity of a workflow has run. It is called once for each.
func (p *Process) Done(ctx context.Context, id string, n int) error {
	select {
	case <-p.ran(id, n):
		return nil
	case <-ctx.Done():
		return errors.Join(contracts.Errorf(contracts.Unavailable, "wait for bare process", "activity %d of %s did not run", n, id), ctx.Err())
	}
}

// ran is the channel that is closed when an activity has run, made by whoever comes first.
func (p *Process) ran(id string, n int) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := fmt.Sprintf("%s %d", id, n)
	if c, ok := p.waiting[k]; ok {
		delete(p.waiting, k)
		return c
	}
	c := make(chan struct{})
	p.waiting[k] = c
	return c
}

// nothing is the activity. The last one after each signal tells those who wait.
func (p *Process) nothing(ctx context.Context, n int, last bool) error {
	if last && activity.GetInfo(ctx).Attempt == 1 {
		close(p.ran(activity.GetInfo(ctx).WorkflowExecution.ID, n))
	}
	return nil
}

// Like those of the real activities.
const (
	attemptTimeout = 30 * time.Second
)

func run(ctx workflow.Context, plan Plan) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: attemptTimeout})
	signals := workflow.GetSignalChannel(ctx, signalName)
	n := 0
	for _, activities := range []int{plan.Before, plan.After} {
		var number int
		signals.Receive(ctx, &number)
		for i := range activities {
			n++
			if err := workflow.ExecuteActivity(ctx, activityName, n, i == activities-1).Get(ctx, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
