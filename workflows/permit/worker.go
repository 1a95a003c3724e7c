package permit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts"
)

// WorkerConfig says for whom a worker works.
type WorkerConfig struct {
	// Client is the connection to the engine. It must outlive the worker.
	Client *Client
	// Ports is the ledger.
	Ports Ports
	// Source finds definitions.
	Source Source
	// Preload are hashes of definitions that are opened before the worker starts, so that a broken row is found then and
	// the first case of each does not wait for a read. Defaults to none.
	Preload []string
	// BuildID turns worker versioning on: a case stays on the workers with the build id on which its run began, and moves
	// to the current one when the run is renewed. Set it where workers of two versions run side by side during an upgrade.
	// A program that replaces itself must leave it empty: nobody would be left to work for pinned cases. There the replay
	// corpus guards that new code continues old histories. Defaults to none.
	BuildID string
	// StopTimeout is how long Stop waits for activities in progress. Defaults to 5 s.
	StopTimeout time.Duration
	// Logger gets failures of ports with their texts. Defaults to discarding them.
	Logger *slog.Logger
}

const defaultStopTimeout = 5 * time.Second

// deployment names all versions of the broker's workers together.
const deployment = "efa-permit"

// Worker runs the workflow and its activities.
type Worker struct {
	cfg    WorkerConfig
	engine worker.Worker
	defs   *registry

	mu    sync.Mutex
	state workerState
}

type workerState int

const (
	workerNew workerState = iota
	workerRunning
	workerStopped
)

// NewWorker builds a worker; nothing runs before Start.
func NewWorker(cfg WorkerConfig) *Worker {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.StopTimeout == 0 {
		cfg.StopTimeout = defaultStopTimeout
	}
	options := worker.Options{
		WorkerStopTimeout: cfg.StopTimeout,
		OnFatalError:      func(err error) { cfg.Logger.Error("permit worker gave up", "error", err) },
	}
	if cfg.BuildID != "" {
		options.DeploymentOptions = worker.DeploymentOptions{
			UseVersioning:             true,
			Version:                   worker.WorkerDeploymentVersion{DeploymentName: deployment, BuildID: cfg.BuildID},
			DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
		}
	}
	w := &Worker{cfg: cfg, defs: newRegistry(cfg.Source, cfg.Logger)}
	w.engine = worker.New(cfg.Client.temporal, TaskQueue, options)
	registerWorkflow(w.engine, &interpreter{definitions: w.defs})
	registerActivities(w.engine, &activities{ports: cfg.Ports, logger: cfg.Logger})
	return w
}

// Start opens the definitions to preload and begins to work. With a BuildID the version becomes the current one. A second
// start, or one after Stop, is a Conflict; a start that failed may be repeated unless Stop was called.
func (w *Worker) Start(ctx context.Context) error {
	const op = "start permit worker"
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state != workerNew {
		return contracts.Errorf(contracts.Conflict, op, "started before")
	}
	if err := w.defs.preload(ctx, w.cfg.Preload); err != nil {
		return &contracts.Error{Kind: contracts.KindOf(err), Op: op, Err: err}
	}
	if err := w.engine.Start(); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	w.state = workerRunning
	if err := w.makeCurrent(ctx); err != nil {
		w.engine.Stop()
		w.state = workerStopped
		return contracts.Errorf(contracts.Unavailable, op, "make the version current: %w", err)
	}
	return nil
}

// makeCurrent sends new cases, and runs that are renewed, to this version, and returns when every task queue knows it. The
// engine knows the version only after the worker's first poll.
func (w *Worker) makeCurrent(ctx context.Context) error {
	if w.cfg.BuildID == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c := w.cfg.Client
	handle := c.temporal.WorkerDeploymentClient().GetHandle(deployment)
	err := repeat(ctx, func() (bool, error) {
		_, err := handle.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: w.cfg.BuildID})
		return err == nil, err
	})
	if err != nil {
		return err
	}
	return repeat(ctx, func() (bool, error) {
		d, err := c.temporal.WorkflowService().DescribeWorkerDeployment(ctx, &workflowservice.DescribeWorkerDeploymentRequest{
			Namespace: c.namespace, DeploymentName: deployment,
		})
		state := d.GetWorkerDeploymentInfo().GetRoutingConfigUpdateState()
		return state != enumspb.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS, err
	})
}

// repeat calls f until it is done, or until ctx ends: then the last error tells why.
func repeat(ctx context.Context, f func() (done bool, err error)) error {
	const patience = 50 * time.Millisecond
	for {
		done, err := f()
		if done && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(patience):
		}
	}
}

// Stop takes no new work and waits for activities in progress, at most for the StopTimeout; what is not finished is done
// again by another worker. It may be called at any time and any number of times; it returns the error of ctx when that
// ends first.
func (w *Worker) Stop(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state != workerRunning {
		w.state = workerStopped
		return nil
	}
	w.state = workerStopped
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.engine.Stop()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return contracts.Errorf(contracts.Unavailable, "stop permit worker", "%w", ctx.Err())
	}
}
