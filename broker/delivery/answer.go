package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Answer is what an authority says about a delivery: accepted, or rejected for a reason.
type Answer struct {
	// Received is the receipt of the answer.
	Received event.Reception
	// Case is the case of which the delivery must be; empty where the delivery alone is named.
	Case string
	// Reason is empty when the delivery could be read.
	Reason delivery.Rejection
}

// Accept answers for v's authority that the delivery could be read. It needs a fetch before; it sets no procedural
// state. The same answer again changes nothing; another one is a Conflict.
func (d *Delivery) Accept(ctx context.Context, v actor.Viewer, received event.Reception, id string) (delivery.Item, error) {
	return d.answer(ctx, v, id, Answer{Received: received})
}

// Reject answers for v's authority that the delivery could not be read. A person has to look; nothing is decided.
func (d *Delivery) Reject(ctx context.Context, v actor.Viewer, received event.Reception, id string, reason delivery.Rejection) (delivery.Item, error) {
	return d.answer(ctx, v, id, Answer{Received: received, Reason: reason})
}

func (d *Delivery) answer(ctx context.Context, v actor.Viewer, id string, a Answer) (delivery.Item, error) {
	record, err := d.Answering(ctx, v, id, a)
	if err != nil {
		return delivery.Item{}, err
	}
	if err := d.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error { return record(ctx, tx) }); err != nil {
		return delivery.Item{}, fmt.Errorf("answer delivery: %w", err)
	}
	var it delivery.Item
	err = d.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		it, err = find(ctx, q, v, id)
		return err
	})
	return it, err
}

// Answering is Accept or Reject for whoever writes rows of its own with the answer: the policy is asked now, the rest is
// checked in the transaction in which the result is called.
func (d *Delivery) Answering(ctx context.Context, v actor.Viewer, id string, a Answer) (func(ctx context.Context, tx *sqlstore.Tx) error, error) {
	if err := d.gate.Relation(ctx, v, decision.DeliveryAnswer, decision.Holder); err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *sqlstore.Tx) error {
		it, err := find(ctx, tx, v, id)
		if err != nil {
			return err
		}
		if a.Case != "" && it.Case != a.Case {
			return contracts.Errorf(contracts.NotFound, "read delivery", "no such delivery")
		}
		draft := event.Draft{
			ID: id + "/answer", Source: "urn:efa:operator:" + string(d.cfg.Operator), Type: event.TypeDeliveryAccepted, Case: it.Case,
			Actor: v.Actor, Received: a.Received,
			Data: event.DeliveryAnswered{Delivery: id, Authority: v.Authority, Reason: a.Reason},
		}
		if a.Reason != "" {
			draft.Type = event.TypeDeliveryRejected
		}
		const selectTenant = `select tenant from cases where id = $1`
		tx.Ahead(selectTenant, it.Case)
		d.cfg.Ledger.AppendAhead(tx, draft)
		if err := tx.QueryRowContext(ctx, selectTenant, it.Case).Scan(&draft.Tenant); err != nil {
			return fmt.Errorf("read tenant: %w", err)
		}
		_, err = d.cfg.Ledger.Append(ctx, tx, draft)
		return err
	}, nil
}

// Project moves a delivery by the event of its answer, inside the ledger transaction.
func (d *Delivery) Project(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error {
	next := delivery.Accepted
	switch r.Type {
	case event.TypeDeliveryAccepted:
	case event.TypeDeliveryRejected:
		next = delivery.Rejected
	default:
		return nil
	}
	a, err := event.Decode[event.DeliveryAnswered](r)
	if err != nil {
		return fmt.Errorf("decode %s: %w", r.Type, err)
	}
	var state delivery.State
	err = tx.QueryRowContext(ctx, `select state from deliveries where id = $1`, a.Delivery).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return contracts.Errorf(contracts.NotFound, "read delivery", "no such delivery")
	}
	if err != nil {
		return fmt.Errorf("read delivery: %w", err)
	}
	if err := state.Move(next); err != nil {
		return contracts.Errorf(contracts.Conflict, "move delivery", "%w", err)
	}
	return tx.Put(ctx, `update deliveries set state = $2, reason = $3 where id = $1`, a.Delivery, next, a.Reason)
}
