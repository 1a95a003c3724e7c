package intake

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/receipt"
)

// Accepted is the answer to a submission.
type Accepted struct {
	Case       string
	ReceivedAt time.Time
	Receipt    receipt.Receipt
	// Repeated is true when the submission had been accepted before.
	Repeated bool
}

// Submit accepts a submission: durable, sealed and acknowledged when it returns nil. A repeat is recognised before
// anything else is checked, so that it gets its receipt although schema or competence have changed meanwhile. The case is
// received when the submission was.
func (in *Intake) Submit(ctx context.Context, v actor.Viewer, reception event.Reception, s Submission) (Accepted, error) {
	if err := in.admit(ctx, v, s); err != nil {
		return Accepted{}, err
	}
	sub := received{Submission: s}
	var err error
	if sub.body, err = json.Marshal(s.Application); err != nil {
		return Accepted{}, contracts.Errorf(contracts.Internal, "encode application", "%w", err)
	}
	if sub.index, err = in.cfg.Vault.Index(ctx, v.Operator, s.SubmissionId); err != nil {
		return Accepted{}, fmt.Errorf("index submission id: %w", err)
	}
	if known, err := in.repeated(ctx, v, sub); err != nil || known.Repeated {
		return known, err
	}
	if err := in.room(s); err != nil {
		return Accepted{}, err
	}
	c, err := in.check(ctx, v, sub)
	if err != nil {
		return Accepted{}, err
	}
	c.received = reception
	fault.Crash(fault.IntakeReceived)
	accepted, err := in.accept(ctx, v, sub, c)
	if contracts.KindOf(err) == contracts.Conflict && err != nil {
		// Two identical submissions may have raced; then the other one is the answer.
		if known, again := in.repeated(ctx, v, sub); again == nil && known.Repeated {
			return known, nil
		}
	}
	return accepted, err
}

// room asks whether another case may wait for the engines. A submission that completes a task is an answer, and a refused
// answer could cost a body its deadline.
func (in *Intake) room(s Submission) error {
	if s.Completes != nil {
		return nil
	}
	return in.cfg.Room()
}

// received is a submission with its application as canonical JSON and the index of its id.
type received struct {
	Submission
	body, index []byte
}

// repeated finds an earlier submission under the same id. The same body is a repeat, another one a Conflict.
func (in *Intake) repeated(ctx context.Context, v actor.Viewer, s received) (Accepted, error) {
	var a Accepted
	var mac []byte
	var tenant authority.TenantID
	if fault.Mutated(fault.NoDedupe) {
		return a, nil
	}
	err := in.cfg.DB.Read().QueryRowContext(ctx, `select s.case_id, s.body_mac, s.received_at, c.tenant from submissions s
		join cases c on c.id = s.case_id where s.submitter = $1 and s.id_mac = $2`, v.ID, s.index).Scan(&a.Case, &mac, &a.ReceivedAt, &tenant)
	if errors.Is(err, sql.ErrNoRows) {
		return Accepted{}, nil
	}
	if err != nil {
		return Accepted{}, fmt.Errorf("look for a repeat: %w", err)
	}
	now, err := in.cfg.Vault.MAC(ctx, tenant, a.Case, macInput(s))
	if contracts.KindOf(err) == contracts.NotFound && err != nil {
		return Accepted{}, contracts.Refuse(contracts.Conflict, "accept submission", contracts.Problem{
			Pointer: "/submission_id",
			Detail:  "the case of this submission was erased; a new submission needs a new id",
		})
	}
	if err != nil {
		return Accepted{}, fmt.Errorf("compare with the earlier submission: %w", err)
	}
	if subtle.ConstantTimeCompare(mac, now) != 1 {
		return Accepted{}, contracts.Refuse(contracts.Conflict, "accept submission", contracts.Problem{
			Pointer: "/submission_id",
			Detail:  "this id was used for another body; a new submission needs a new id",
		})
	}
	a.Repeated, a.ReceivedAt = true, a.ReceivedAt.UTC()
	a.Receipt, err = in.cfg.Ledger.Receipt(ctx, in.cfg.DB.Read(), a.Case, 1)
	return a, err
}

// macInput is everything of a submission that has to be the same in a repeat.
func macInput(s received) []byte {
	completes := ""
	if s.Completes != nil {
		completes = s.Completes.CaseId.String() + "\x00" + s.Completes.TaskId + "\x00" + s.Completes.Outcome
	}
	return append([]byte(s.Service+"\x00"+s.Region+"\x00"+completes+"\x00"), s.body...)
}

// accept makes the keys and seals first, and writes everything in one transaction then. Of one that fails nothing is left but
// keys that open nothing.
func (in *Intake) accept(ctx context.Context, v actor.Viewer, s received, c checked) (Accepted, error) {
	caseID := uuid.NewString()
	tenant := c.lead.Tenant
	open, sensitive := fact.Split(c.pkg.Facts, c.facts)
	sealed, err := in.cfg.Vault.SealCase(ctx, NewCase{
		Operator: v.Operator, Tenant: tenant, Case: caseID, Facts: sensitive, People: c.pkg.Subjects(s.Application),
		Contents: []content.Object{{
			Ref:       content.Ref{Content: content.ID(uuid.NewString()), Kind: content.Application, Form: c.pkg.Form},
			MediaType: "application/json", Uploader: v.ID, Body: s.body,
		}},
	})
	if err != nil {
		return Accepted{}, fmt.Errorf("seal submission: %w", err)
	}
	mac, err := sealed.MAC(macInput(s))
	if err != nil {
		return Accepted{}, fmt.Errorf("authenticate submission: %w", err)
	}
	if fault.Mutated(fault.ContentInEvent) {
		open["application"] = string(s.body)
	}
	drafts := in.drafts(v, s, c, caseID, open, sealed.Refs())
	fault.Crash(fault.IntakeSealed)
	var out Accepted
	err = in.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		out = Accepted{Case: caseID, ReceivedAt: c.received.At}
		if out.ReceivedAt.IsZero() {
			out.ReceivedAt = tx.Now()
		}
		if err := claim(ctx, tx, v, s, claimed{caseID, mac, out.ReceivedAt}); err != nil {
			return err
		}
		if c.completes != nil {
			if err := in.cfg.Tasks.Settle(ctx, tx, drafts[1]); err != nil {
				return err
			}
		}
		out.Receipt, err = in.openCase(ctx, tx, sealed, drafts)
		return err
	})
	if err != nil {
		return Accepted{}, fmt.Errorf("record submission: %w", err)
	}
	fault.Crash(fault.IntakeCommitted)
	return out, nil
}

// openCase writes a new case with its content and people, and what else its drafts say. It returns the receipt of the first draft.
func (in *Intake) openCase(ctx context.Context, tx *sqlstore.Tx, sealed SealedCase, drafts []event.Draft) (receipt.Receipt, error) {
	if err := sealed.WriteContents(ctx, tx); err != nil {
		return receipt.Receipt{}, err
	}
	if _, err := in.cfg.Ledger.Append(ctx, tx, drafts...); err != nil {
		return receipt.Receipt{}, err
	}
	if err := sealed.WritePeople(ctx, tx); err != nil {
		return receipt.Receipt{}, err
	}
	return in.cfg.Ledger.Receipt(ctx, tx, drafts[0].Case, 1)
}

// claimed is what a submission id is kept with.
type claimed struct {
	caseID string
	mac    []byte
	at     time.Time
}

// claim takes the submission id; a second claim in a race is a Conflict.
func claim(ctx context.Context, tx *sqlstore.Tx, v actor.Viewer, s received, c claimed) error {
	err := tx.QueryRowContext(ctx, `insert into submissions (submitter, id_mac, case_id, body_mac, received_at) values ($1, $2, $3, $4, $5)
		on conflict (submitter, id_mac) do nothing returning case_id`, v.ID, s.index, c.caseID, c.mac, c.at).Scan(new(string))
	if errors.Is(err, sql.ErrNoRows) && !fault.Mutated(fault.NoDedupe) {
		return contracts.Errorf(contracts.Conflict, "claim submission id", "it was claimed at the same time")
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("claim submission id: %w", err)
	}
	return nil
}

// drafts lists the events of a submission: the new case first, then what it completes and the links of both cases.
func (in *Intake) drafts(v actor.Viewer, s received, c checked, caseID string, open fact.Values, refs []content.Ref) []event.Draft {
	source := "urn:efa:operator:" + string(in.cfg.Operator)
	submitted := event.CaseSubmitted{
		Service: c.pkg.Service, Package: c.pkg.Hash, Definition: c.pkg.Definition, Procedure: c.pkg.Procedure, Lead: c.lead.ID,
		Parties: c.parties, Facts: open, Contents: refs,
	}
	if c.completes == nil {
		return []event.Draft{{
			ID: caseID + "/submitted", Source: source, Type: event.TypeCaseSubmitted, Case: caseID, Tenant: c.lead.Tenant, Actor: v.Actor,
			Received: c.received, Data: submitted,
		}}
	}
	done := *c.completes
	data, _ := done.Data.(event.TaskCompleted) // Completable made it
	data.Outcome, data.Opened = s.Completes.Outcome, caseID
	done.Data, done.Received = data, c.received
	submitted.OpenedBy = &event.Origin{Case: done.Case, Task: data.Task}
	return []event.Draft{
		{
			ID: caseID + "/submitted", Source: source, Type: event.TypeCaseSubmitted, Case: caseID, Tenant: c.lead.Tenant, Actor: v.Actor,
			Received: c.received, Data: submitted,
		},
		done,
		{
			ID: data.Task + "/opened", Source: source, Type: event.TypeCaseLinked, Case: done.Case, Tenant: done.Tenant, Actor: v.Actor,
			Data: event.CaseLinked{Linked: caseID, Relation: "opened", Task: data.Task},
		},
		{
			ID: data.Task + "/opened-by", Source: source, Type: event.TypeCaseLinked, Case: caseID, Tenant: c.lead.Tenant, Actor: v.Actor,
			Data: event.CaseLinked{Linked: done.Case, Relation: "opened_by", Task: data.Task},
		},
	}
}
