package permit

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
)

// State asks the engine whether it runs the process of a case. It fails with Unavailable when the engine does not answer.
func (c *Client) State(ctx context.Context, caseID string) (engine.RunState, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	d, err := c.temporal.DescribeWorkflowExecution(ctx, caseID, "")
	if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown {
		return engine.Absent, nil
	}
	if err != nil {
		return "", &contracts.Error{Kind: contracts.Unavailable, Op: "ask for the process", Subject: caseID, Err: err}
	}
	if d.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return engine.Ended, nil
	}
	return engine.Running, nil
}

// Run asks for the process of a case and how far it has come. A process that runs and does not say how far, because no
// worker answers or its history cannot be continued, has applied -1.
func (c *Client) Run(ctx context.Context, caseID string) (engine.Run, error) {
	state, err := c.State(ctx, caseID)
	if err != nil || state != engine.Running {
		return engine.Run{State: state}, err
	}
	p, err := c.Position(ctx, caseID)
	if err != nil {
		return engine.Run{State: state, Applied: -1}, nil //nolint:nilerr // that it does not say is the answer
	}
	return engine.Run{State: state, Applied: p.Applied}, nil
}

// Resume makes the process of an open case run. A process that runs is left alone; one that the engine lost, or that
// ended although the ledger holds the case open, is started anew and rebuilds itself from the ledger: the ledger leads. It
// may be repeated. It fails with Unavailable when the engine did not take it.
func (c *Client) Resume(ctx context.Context, start engine.Start) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.temporal.ExecuteWorkflow(ctx, runOf(start), WorkflowName, start)
	if err != nil {
		return &contracts.Error{Kind: contracts.Unavailable, Op: "resume", Subject: start.Case, Err: err}
	}
	return nil
}
