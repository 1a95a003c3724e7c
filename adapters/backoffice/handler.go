package backoffice

import (
	"context"
	"fmt"

	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// Handler is what a back office does with its inbox. Both methods are called at least once per item, one item after the
// other; a nil error means that the item is done. An error of kind Unavailable brings the item again; Unreadable makes
// the Runner reject the delivery; for all other kinds see Verdict.
type Handler interface {
	// Task does what item asks for and answers the task.
	Task(ctx context.Context, port Port, item delivery.Item) error
	// Announcement takes note of what item announces.
	Announcement(ctx context.Context, port Port, item delivery.Item) error
}

// UnreadableError is what a handler returns for content that it cannot read. The Runner rejects the delivery for Reason,
// and a person at the broker looks at it.
type UnreadableError struct {
	Reason delivery.Rejection
	// Err is the cause, without content of a person. May be nil.
	Err error
}

// Error names the reason.
func (e *UnreadableError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("delivery is unreadable: %s", e.Reason)
	}
	return fmt.Sprintf("delivery is unreadable: %s: %v", e.Reason, e.Err)
}

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }
