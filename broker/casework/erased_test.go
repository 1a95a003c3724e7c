package casework_test

import (
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/task"
)

// TestACaseThatARestoreHoldsAsOpenEndsWithItsErasure erases a case with an open task, as the journal does after a restore.
func TestACaseThatARestoreHoldsAsOpenEndsWithItsErasure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.assign(t, "register", "gewerbeamt-muenchen", authority.Lead, "")
	err := b.db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		return b.work.Project(t.Context(), tx, event.Recorded{Type: event.TypeCaseErased, Case: theCase, Operator: "bayern", Time: tx.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.work.Case(t.Context(), actor.Viewer{Actor: actor.Actor{Role: actor.OperatorAdmin}, Operator: "bayern"}, theCase)
	if err != nil || c.State != procedure.Closed || c.ClosedAt == nil || c.ErasedAt != nil { // erased_cases is not casework's
		t.Errorf("case %+v, %v", c, err)
	}
	found, err := b.work.Task(t.Context(), system("gewerbeamt-muenchen"), id)
	if err != nil || found.State != task.Cancelled || found.CompletedAt == nil {
		t.Errorf("task %+v, %v", found, err)
	}
}
