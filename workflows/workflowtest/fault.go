package workflowtest

import (
	"context"
	"sync/atomic"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
)

// Fault is a worker interceptor that fails the N-th activity call, counted from 1 over all activities, once.
type Fault struct {
	interceptor.WorkerInterceptorBase
	// N is the call that fails.
	N int64
	// Lost lets the call take effect before its answer is lost; else it fails before it does anything.
	Lost bool

	calls atomic.Int64
}

// Calls is the number of activity calls so far.
func (f *Fault) Calls() int64 { return f.calls.Load() }

// InterceptActivity implements interceptor.WorkerInterceptor.
func (f *Fault) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	in := &faultyActivity{fault: f}
	in.Next = next
	return in
}

type faultyActivity struct {
	interceptor.ActivityInboundInterceptorBase
	fault *Fault
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (a *faultyActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	if a.fault.calls.Add(1) != a.fault.N {
		return a.Next.ExecuteActivity(ctx, in)
	}
	if a.fault.Lost {
		if _, err := a.Next.ExecuteActivity(ctx, in); err != nil {
			return nil, err
		}
	}
	return nil, temporal.NewApplicationError("unavailable", "unavailable")
}
