package backoffice

import "github.com/efa-broker/efa-broker/contracts"

// Verdict is what a Runner does with an item whose handler returned an error.
type Verdict int

const (
	// Retry brings the item again after a pause, until it is handled or the Runner is stopped: the fault passes.
	Retry Verdict = iota
	// RetryThenGiveUp brings the item again a few times: the fault may pass.
	RetryThenGiveUp
	// Done takes the item as handled: the broker has already had another answer.
	Done
	// GiveUp leaves the item to a person; the inbox goes on. At the broker its task stays open and becomes overdue.
	GiveUp
)

// VerdictOf is the table. It is total over the closed set of kinds.
func VerdictOf(kind contracts.Kind) Verdict {
	switch kind {
	case contracts.Unavailable:
		return Retry
	case contracts.Unauthenticated, contracts.Internal:
		return RetryThenGiveUp
	case contracts.Conflict:
		return Done
	case contracts.Invalid, contracts.Denied, contracts.NotFound, contracts.NotCompetent, contracts.TooLarge,
		contracts.Unsupported:
		return GiveUp
	}
	return GiveUp
}
