package permit

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts/engine"
)

// Ports is what the workflow needs of the ledger. Every method may be called again with the same arguments, after any
// error and after a success whose answer was lost: a command whose result the ledger keeps is answered with that result.
//
// An error's contracts.Kind decides what follows: Internal and Unavailable are retried without limit, every other kind is
// a refusal. The texts of errors go to the log only, never into a history.
type Ports interface {
	// Load reads what a process needs to know of its case, with all stored results in the order of their appends.
	Load(ctx context.Context, caseID string) (engine.Case, error)
	// Events reads the events of the case with an EngineSeq above after, in order and without gaps.
	Events(ctx context.Context, caseID string, after int64) ([]engine.Event, error)
	// Assign gives a task to an authority.
	Assign(ctx context.Context, cmd engine.Assign) (engine.Result, error)
	// Expire records that silence ended a task. It fails as Unavailable while an answer that was received by the due instant
	// may still be on its way.
	Expire(ctx context.Context, cmd engine.Expire) (engine.Result, error)
	// Announce tells the parties that the law names that there is something for them.
	Announce(ctx context.Context, cmd engine.Announce) (engine.Result, error)
	// Move brings the case into a procedural state, or marks that it waits for a person.
	Move(ctx context.Context, cmd engine.Move) (engine.Result, error)
}

// Source finds resolved definitions (process.Resolve) by their hash. Rows are immutable, so an answer never changes.
type Source interface {
	Definition(ctx context.Context, hash string) ([]byte, error)
}
