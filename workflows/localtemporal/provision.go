package localtemporal

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// provision makes the namespace, and returns when a call within it is answered: every service keeps its own cache of
// namespaces.
func provision(ctx context.Context, hostPort string, c Config) (err error) {
	conn, err := grpc.NewClient(hostPort, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	service := workflowservice.NewWorkflowServiceClient(conn)
	err = again(ctx, func() error {
		_, err := service.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace:                        c.Namespace,
			WorkflowExecutionRetentionPeriod: durationpb.New(c.Retention),
		})
		return typed(err)
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return err
	}
	return again(ctx, func() error {
		_, err := service.CountWorkflowExecutions(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: c.Namespace})
		return typed(err)
	})
}

// again repeats a call while the answer is one that passes: the service is not up, its cache does not know the namespace
// yet, or its rate limit is met.
func again(ctx context.Context, call func() error) error {
	const patience = 20 * time.Millisecond
	for {
		err := call()
		if err == nil || !passes(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(patience):
		}
	}
}

func passes(err error) bool {
	var (
		unknown     *serviceerror.NamespaceNotFound
		unavailable *serviceerror.Unavailable
		exhausted   *serviceerror.ResourceExhausted
	)
	return errors.As(err, &unknown) || errors.As(err, &unavailable) || errors.As(err, &exhausted)
}

// typed turns a gRPC status into the error that the server meant.
func typed(err error) error {
	if err == nil {
		return nil
	}
	return serviceerror.FromStatus(status.Convert(err))
}
