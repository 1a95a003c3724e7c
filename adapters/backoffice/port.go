package backoffice

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// Port is the broker as one authority's back office sees it. Each implementation speaks for exactly one authority and
// is safe for concurrent use. Every error is a *contracts.Error; its kind alone decides what follows (see Verdict).
type Port interface {
	// Next returns the items behind cursor, in inbox order, and the cursor to go on with; the empty cursor reads from
	// the start. It may wait a while for the first item, and returns no items when none came. After a restore of the
	// broker an old cursor is answered with all undone items from the start. One that was answered before comes again because the restore lost
	// the answer: give the same answer again.
	Next(ctx context.Context, cursor string) (items []delivery.Item, next string, err error)

	// Fetch asks for fields of a content. The broker decides now, records the decision and hands over what may leave;
	// what is withheld stands in the answer with the reason. It returns NotFound when nothing may leave, or when there
	// is no such content: the two cannot be told apart.
	Fetch(ctx context.Context, ref content.Ref, ask Ask) (Fetched, error)

	// Confirm answers a delivery: readable when rejection is empty, else unreadable for that reason; then a person has
	// to look. Something must have been fetched before a delivery can be confirmed as readable. It returns Conflict
	// after another answer.
	Confirm(ctx context.Context, deliveryID string, rejection delivery.Rejection) error

	// Store seals a document of a case at the broker, so that an outcome can refer to it. It is removed after 24 hours
	// when nothing does. It returns Conflict when another document bears the same id.
	Store(ctx context.Context, doc Document) (content.Ref, error)

	// Answer gives the outcome of a task, or NotCompetent. It returns Conflict after another answer.
	Answer(ctx context.Context, task string, outcome Outcome) error

	// Submit files a notice by ordinary intake, and so opens a case; with Completes it completes a task in the same
	// transaction. It returns Invalid with every fault of the application at once, and Conflict when another
	// application bears the same submission id.
	Submit(ctx context.Context, s Submission) (Submitted, error)
}
