package release

import (
	"context"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// disclosureID names the disclosure of a content to a recipient for a purpose; every fetch of it finds the same.
func disclosureID(id content.ID, recipient authority.ID, purpose string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:efa:disclosure:"+string(id)+"|"+string(recipient)+"|"+purpose)).String()
}

// disclose is the releasing transaction. The decision record is committed before any byte leaves; when something in it
// fails, nothing leaves.
func (r *Release) disclose(ctx context.Context, f fetch, e *evaluation) error {
	if fault.Mutated(fault.SkipFetchDecision) {
		return nil
	}
	e.Disclosure = disclosureID(e.Content, e.Recipient, e.Input.Purpose)
	if err := r.seal(ctx, e); err != nil {
		return err
	}
	return r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		if err := r.confirm(ctx, tx, f); err != nil {
			return err
		}
		if err := r.write(ctx, tx, *e); err != nil {
			return err
		}
		if err := tx.Put(ctx, `insert into disclosures (id, operator, case_id, content_id, recipient, purpose, first_decision, first_at, fetches)
			values ($1, $2, $3, $4, $5, $6, $7, $8, 1)
			on conflict (content_id, recipient, purpose) do update set fetches = disclosures.fetches + 1`,
			e.Disclosure, r.cfg.Operator, e.Case, e.Content, e.Recipient, e.Input.Purpose, e.ID, e.DecidedAt); err != nil {
			return contracts.Errorf(contracts.Unavailable, "write disclosure", "%w", err)
		}
		if err := r.append(ctx, tx, *e, event.TypeDisclosureRecorded); err != nil {
			return err
		}
		return r.cfg.Deliveries.Fetched(ctx, tx, e.Case, e.Recipient, e.Content, e.Input.Purpose)
	})
}

// refuse records a refusal and returns the answer of an unknown reference.
func (r *Release) refuse(ctx context.Context, f fetch, e evaluation) error {
	if err := r.seal(ctx, &e); err != nil {
		return err
	}
	if err := r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		if err := r.confirm(ctx, tx, f); err != nil {
			return err
		}
		if err := r.write(ctx, tx, e); err != nil {
			return err
		}
		return r.append(ctx, tx, e, event.TypeDisclosureRefused)
	}); err != nil {
		return err
	}
	r.cfg.Log.InfoContext(ctx, "disclosure refused", "decision_id", e.ID, "case_id", e.Case, "authority", e.Recipient,
		"policy_revision", e.Document.Revision.Policy, "reasons", reasons(e.Document))
	return unknown()
}

// confirm takes the guard rows and checks that the decision still stands on what the rows say.
func (r *Release) confirm(ctx context.Context, tx *sqlstore.Tx, f fetch) error {
	if err := guard(ctx, tx, f.object.Case); err != nil {
		return err
	}
	g, roles, err := f.read(ctx, tx)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(g, f.ground) || !slices.Equal(roles, f.roles) {
		return errMoved
	}
	return nil
}

func (r *Release) append(ctx context.Context, tx *sqlstore.Tx, e evaluation, typ string) error {
	_, err := r.cfg.Ledger.Append(ctx, tx, event.Draft{
		ID: e.ID, Source: r.source(), Type: typ, Case: e.Case, Tenant: e.tenant, Actor: e.Actor,
		Data: event.DisclosureRecorded{
			Disclosure: e.Disclosure, Decision: e.ID, Authority: e.Recipient, Content: e.Content, Record: e.digest,
		},
	})
	return err
}
