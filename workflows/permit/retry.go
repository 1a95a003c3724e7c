package permit

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts"
)

// What stops a workflow task (never the case): the server retries it until the cause is mended. These words, and those of
// contracts.Kind, are the only texts of failures in a history.
const (
	stopDefinition = "definition_unavailable"
	stopCondition  = "condition_failed"
	stopLedger     = "ledger_contradicts_itself"
	stopAnswer     = "answer_unreadable"
)

// retried is the table of what follows from the kind of an error of a command: true is a technical fault, retried without
// limit; false is a refusal, which a retry cannot change.
func retried(k contracts.Kind) bool {
	switch k {
	case contracts.Internal, contracts.Unavailable:
		return true
	case contracts.Invalid, contracts.Unauthenticated, contracts.Denied, contracts.NotFound, contracts.Conflict,
		contracts.NotCompetent, contracts.TooLarge, contracts.Unsupported:
		return false
	}
	return true
}

// kinds lists every kind in the order of its declaration.
func kinds() []contracts.Kind {
	all := make([]contracts.Kind, 0, contracts.Unavailable+1)
	for k := contracts.Internal; k <= contracts.Unavailable; k++ {
		all = append(all, k)
	}
	return all
}

// coded is err as a history may hold it: the word of its kind, and nothing of its text.
func coded(err error) error {
	word := contracts.KindOf(err).String()
	return temporal.NewApplicationErrorWithOptions(word, word, temporal.ApplicationErrorOptions{})
}

// refusal is the kind of a command that the ledger refused. It reports false for any other error.
func refusal(err error) (contracts.Kind, bool) {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) {
		return contracts.Internal, false
	}
	for _, k := range kinds() {
		if k.String() == app.Type() && !retried(k) {
			return k, true
		}
	}
	return contracts.Internal, false
}

// answer waits for an activity. It returns a refusal or a cancellation; anything else, such as a result that this version
// cannot read, stops the workflow task, because a failed run could never be continued.
func answer(ctx workflow.Context, f workflow.Future, result any) error {
	err := f.Get(ctx, result)
	if err == nil || temporal.IsCanceledError(err) {
		return err
	}
	if _, refused := refusal(err); refused {
		return err
	}
	panic(stopAnswer)
}

const (
	attemptTimeout  = 5 * time.Second
	firstRetry      = 200 * time.Millisecond
	longestRetry    = time.Minute
	retryMultiplier = 2
)

// commands are the options of an activity that may be refused.
func commands(ctx workflow.Context) workflow.Context {
	var final []string
	for _, k := range kinds() {
		if !retried(k) {
			final = append(final, k.String())
		}
	}
	return withRetry(ctx, final)
}

// reads are the options of an activity without which the case cannot go on: whatever the error, it is asked again.
func reads(ctx workflow.Context) workflow.Context { return withRetry(ctx, nil) }

func withRetry(ctx workflow.Context, final []string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: attemptTimeout,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        firstRetry,
			BackoffCoefficient:     retryMultiplier,
			MaximumInterval:        longestRetry,
			NonRetryableErrorTypes: final,
		},
	})
}
