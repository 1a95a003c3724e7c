package erasure

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Done is an erasure whose every step was taken.
type Done struct {
	ID     string
	Case   string
	Reason act.Reason
	At     time.Time
}

// idOf names the one erasure that a case can have.
func idOf(caseID string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:efa:erasure:"+caseID)).String()
}

// Erase erases a case and returns when every step was taken. The same again is answered alike; an erasure that was
// interrupted goes on.
//
// Errors: NotFound for a case that v may not erase; Conflict for a case that is open, held, within its retention, or
// erased for another reason; Unavailable when a step failed, and then the erasure goes on with the next call or start.
func (e *Eraser) Erase(ctx context.Context, v actor.Viewer, caseID string, reason act.Reason) (Done, error) {
	if err := e.allow(ctx, v, caseID, decision.CaseErase); err != nil {
		return Done{}, err
	}
	if err := checkReason(act.Erase, reason); err != nil {
		return Done{}, err
	}
	var found entry
	err := e.alone(ctx, func() (err error) {
		found, err = e.erase(ctx, v, caseID, reason)
		return err
	})
	if err != nil {
		return Done{}, fmt.Errorf("erase case: %w", err)
	}
	return e.done(ctx, found)
}

// allow asks the policy whether v may act on a case; one that v must not know is NotFound.
func (e *Eraser) allow(ctx context.Context, v actor.Viewer, caseID string, action decision.Action) error {
	return e.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		_, err := e.gate.Case(ctx, q, v, caseID, action)
		return err
	})
}

func (e *Eraser) erase(ctx context.Context, v actor.Viewer, caseID string, reason act.Reason) (entry, error) {
	found, known, err := e.journal.find(caseID)
	switch {
	case err != nil:
		return found, err
	case !known:
		if found, err = e.begin(ctx, v, caseID, reason); err != nil {
			return found, err
		}
	case found.Reason != reason:
		return found, conflict("look for erasure", "case %s is erased for the reason %s", caseID, found.Reason)
	}
	return found, e.finish(ctx, found)
}

func (e *Eraser) done(ctx context.Context, found entry) (Done, error) {
	d := Done{ID: found.ID, Case: found.Case, Reason: found.Reason}
	if err := e.cfg.DB.Read().QueryRowContext(ctx, `select erased_at from erased_cases where case_id = $1`, found.Case).Scan(&d.At); err != nil {
		return Done{}, contracts.Errorf(contracts.Unavailable, "read erasure", "%w", err)
	}
	d.At = d.At.UTC()
	return d, nil
}

// begin checks that the case may be erased, under the lock of its row, and commits to it: journal first, then ledger. If
// the ledger fails after that, the journal stands and the erasure goes on from there.
func (e *Eraser) begin(ctx context.Context, v actor.Viewer, caseID string, reason act.Reason) (entry, error) {
	var begun entry
	err := e.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		tenant, err := e.erasable(ctx, tx, caseID)
		if err != nil {
			return err
		}
		subjects, err := onlyHere(ctx, tx, caseID)
		if err != nil {
			return err
		}
		begun = entry{
			Version: 1, ID: idOf(caseID), Case: caseID, Operator: e.cfg.Operator, Tenant: tenant,
			Subjects: subjects, Reason: reason, Actor: v.Actor, At: tx.Now(),
		}
		if err := e.journal.append(begun); err != nil {
			return err
		}
		if err := e.reached("begun"); err != nil {
			return err
		}
		fault.Crash(fault.ErasureJournalled)
		_, err = e.cfg.Ledger.Append(ctx, tx, draft(begun))
		return err
	})
	return begun, err
}

func draft(b entry) event.Draft {
	return event.Draft{
		ID: b.Case + "/erased", Source: "urn:efa:operator:" + string(b.Operator), Type: event.TypeCaseErased,
		Case: b.Case, Tenant: b.Tenant, Actor: b.Actor, Data: event.CaseErased{Erasure: b.ID, Reason: string(b.Reason)},
	}
}

// finish takes every step that is not taken yet. An erasure that is done is looked at again, because a restore may have
// brought back a ledger without its event, or a key store with its keys.
func (e *Eraser) finish(ctx context.Context, b entry) error {
	if err := e.record(ctx, b); err != nil {
		return err
	}
	if err := e.reached("event"); err != nil {
		return err
	}
	found, err := e.cfg.Keys.DestroyKeys(ctx, b.Tenant, b.Case, b.Subjects)
	if err != nil {
		return err
	}
	if err := e.reached("keys"); err != nil {
		return err
	}
	fault.Crash(fault.ErasureKeyDeleted)
	if b.Done && found == 0 {
		return nil
	}
	if _, _, err := e.renew(ctx, b.Tenant); err != nil {
		return err
	}
	b.Done = true
	if err := e.journal.append(b); err != nil {
		return err
	}
	e.cfg.Log.InfoContext(ctx, "case erased", "case_id", b.Case, "erasure_id", b.ID, "reason", string(b.Reason))
	return e.reached("done")
}

// record appends the event to a ledger that does not hold it. A ledger from a backup may be older than the case.
func (e *Eraser) record(ctx context.Context, b entry) error {
	var known, erased int
	err := e.cfg.DB.Read().QueryRowContext(ctx, `select (select count(*) from cases where id = $1 and operator = $2),
		(select count(*) from erased_cases where case_id = $1)`, b.Case, b.Operator).Scan(&known, &erased)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, "look for erased case", "%w", err)
	}
	if erased > 0 {
		return nil
	}
	if known == 0 {
		e.cfg.Log.WarnContext(ctx, "erased case is not in the ledger, only its keys are destroyed", "case_id", b.Case, "erasure_id", b.ID)
		return nil
	}
	return e.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		_, err := e.cfg.Ledger.Append(ctx, tx, draft(b))
		return err
	})
}

// Resume takes the missing steps of every erasure in the journal. The program does not serve before it has succeeded.
func (e *Eraser) Resume(ctx context.Context) error {
	return e.alone(ctx, func() error {
		all, err := e.journal.read()
		if err != nil {
			return err
		}
		for _, b := range all {
			if err := e.finish(ctx, b); err != nil {
				return fmt.Errorf("resume erasure of case %s: %w", b.Case, err)
			}
		}
		return nil
	})
}
