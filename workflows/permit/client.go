package permit

import (
	"context"
	"errors"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
)

// ClientConfig says where the process engine is.
type ClientConfig struct {
	// HostPort is the address of Temporal's frontend, "host:port".
	HostPort string
	// Namespace is the Temporal namespace of the operator. Defaults to "efa".
	Namespace string
	// Logger gets the SDK's messages, which name ids only. Defaults to discarding them.
	Logger *slog.Logger
}

// DefaultNamespace is the namespace in which the cases of an operator run unless another one is configured.
const DefaultNamespace = "efa"

// Client speaks to the process engine. It is safe for concurrent use.
type Client struct {
	temporal  client.Client
	namespace string
}

// NewClient connects to the engine. It fails with Unavailable when the engine does not answer in time.
func NewClient(ctx context.Context, cfg ClientConfig) (*Client, error) {
	if cfg.Namespace == "" {
		cfg.Namespace = DefaultNamespace
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c, err := client.DialContext(ctx, client.Options{
		HostPort:  cfg.HostPort,
		Namespace: cfg.Namespace,
		Logger:    sdklog.NewStructuredLogger(cfg.Logger),

		ContextPropagators: []workflow.ContextPropagator{traceHeader{}},
	})
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "connect to process engine", "%s: %w", cfg.HostPort, err)
	}
	return &Client{temporal: c, namespace: cfg.Namespace}, nil
}

// Close ends the connection. A worker that uses the client has to be stopped before.
func (c *Client) Close() { c.temporal.Close() }

// callTimeout bounds one call to the engine; the SDK itself would retry for a minute.
const callTimeout = 10 * time.Second

// Ready reports whether the engine answers.
func (c *Client) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := c.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return contracts.Errorf(contracts.Unavailable, "ask process engine for its health", "%w", err)
	}
	return nil
}

// HandOver hands a committed event over to the process of its case, and starts the process when it does not run, also
// after a run that was ended from outside: the ledger alone says whether a case is open, and a run of a case that has
// ended does nothing. It may be repeated, as the process drops what it has. It fails with Unavailable when the engine did
// not take the event, which means to try again.
func (c *Client) HandOver(ctx context.Context, start engine.Start, ev engine.Event) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.temporal.SignalWithStartWorkflow(ctx, start.Case, SignalEvent, ev, runOf(start), WorkflowName, start)
	if err != nil {
		return &contracts.Error{Kind: contracts.Unavailable, Op: "hand over", Subject: start.Case, Err: err}
	}
	return nil
}

// runOf is how the process of a case runs: once at a time, and again after a run that ended.
func runOf(start engine.Start) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       start.Case,
		TaskQueue:                TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}
}

// Position asks the process of a case where it stands, for debugging. It fails with NotFound when the engine knows no
// process of the case, else with Unavailable.
func (c *Client) Position(ctx context.Context, caseID string) (Position, error) {
	const op = "ask for position"
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var p Position
	v, err := c.temporal.QueryWorkflow(ctx, caseID, "", QueryPosition)
	if err == nil {
		err = v.Get(&p)
	}
	if err != nil {
		kind := contracts.Unavailable
		if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown {
			kind = contracts.NotFound
		}
		return Position{}, &contracts.Error{Kind: kind, Op: op, Subject: caseID, Err: err}
	}
	return p, nil
}
