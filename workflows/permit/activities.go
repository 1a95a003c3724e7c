package permit

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
)

// Names of the activities, as they stand in histories: they never change.
const (
	activityLoad     = "load-case"
	activityEvents   = "read-events"
	activityAssign   = "assign-task"
	activityExpire   = "expire-task"
	activityAnnounce = "announce"
	activityMove     = "move-case"
)

// activities wrap the ports: an error goes into the log with its text and into the history as a code.
type activities struct {
	ports  Ports
	logger *slog.Logger
}

// registerActivities makes the ports known to a worker, or to Temporal's test environment.
func registerActivities(r worker.ActivityRegistry, a *activities) {
	for name, f := range map[string]any{
		activityLoad: a.load, activityEvents: a.events,
		activityAssign: a.assign, activityExpire: a.expire, activityAnnounce: a.announce, activityMove: a.move,
	} {
		r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
}

func (a *activities) load(ctx context.Context, caseID string) (engine.Case, error) {
	return guarded(ctx, a, func() (engine.Case, error) { return a.ports.Load(ctx, caseID) })
}

func (a *activities) events(ctx context.Context, caseID string, after int64) ([]engine.Event, error) {
	return guarded(ctx, a, func() ([]engine.Event, error) { return a.ports.Events(ctx, caseID, after) })
}

func (a *activities) assign(ctx context.Context, cmd engine.Assign) (engine.Result, error) {
	return guarded(ctx, a, func() (engine.Result, error) { return a.ports.Assign(ctx, cmd) })
}

func (a *activities) expire(ctx context.Context, cmd engine.Expire) (engine.Result, error) {
	return guarded(ctx, a, func() (engine.Result, error) { return a.ports.Expire(ctx, cmd) })
}

func (a *activities) announce(ctx context.Context, cmd engine.Announce) (engine.Result, error) {
	return guarded(ctx, a, func() (engine.Result, error) { return a.ports.Announce(ctx, cmd) })
}

func (a *activities) move(ctx context.Context, cmd engine.Move) (engine.Result, error) {
	return guarded(ctx, a, func() (engine.Result, error) { return a.ports.Move(ctx, cmd) })
}

// guarded calls a port. A panic is an internal error: the SDK would write its text into the history.
func guarded[T any](ctx context.Context, a *activities, call func() (T, error)) (result T, err error) {
	info := activity.GetInfo(ctx)
	logger := a.logger.With("case_id", info.WorkflowExecution.ID, "activity", info.ActivityType.Name, "attempt", info.Attempt)
	defer func() {
		if p := recover(); p != nil {
			logger.ErrorContext(ctx, "ledger port panicked", "panic_type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = coded(contracts.Errorf(contracts.Internal, "call ledger", "panic"))
		}
	}()
	result, err = call()
	if err != nil {
		logger.WarnContext(ctx, "ledger port failed", "kind", contracts.KindOf(err).String(), "error", err)
		return result, coded(err)
	}
	return result, nil
}
