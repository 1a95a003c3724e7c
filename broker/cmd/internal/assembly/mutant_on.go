//go:build faults

package assembly

import (
	"context"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// publishEarly is the mutant that publishes inside the ledger transaction.
func (b *Broker) publishEarly(events eventlog.Events) {
	b.domains.ledger.Project(func(ctx context.Context, _ *sqlstore.Tx, r event.Recorded) error {
		if !fault.Mutated(fault.PublishBeforeCommit) {
			return nil
		}
		return events.Publish(ctx, r)
	})
}
