package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Accept answers for v's authority that the delivery could be read. It needs a fetch before; it sets no procedural
// state. The same answer again changes nothing; another one is a Conflict.
func (d *Delivery) Accept(ctx context.Context, v actor.Viewer, received event.Reception, id string) (delivery.Item, error) {
	return d.answer(ctx, v, id, event.Draft{Type: event.TypeDeliveryAccepted, Received: received}, "")
}

// Reject answers for v's authority that the delivery could not be read. A person has to look; nothing is decided.
func (d *Delivery) Reject(ctx context.Context, v actor.Viewer, received event.Reception, id string, reason delivery.Rejection) (delivery.Item, error) {
	return d.answer(ctx, v, id, event.Draft{Type: event.TypeDeliveryRejected, Received: received}, reason)
}

func (d *Delivery) answer(ctx context.Context, v actor.Viewer, id string, draft event.Draft, reason delivery.Rejection) (delivery.Item, error) {
	if err := d.gate.Relation(ctx, v, decision.DeliveryAnswer, decision.Holder); err != nil {
		return delivery.Item{}, err
	}
	err := d.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		it, err := find(ctx, tx, v, id)
		if err != nil {
			return err
		}
		var tenant authority.TenantID
		if err := tx.QueryRowContext(ctx, `select tenant from cases where id = $1`, it.Case).Scan(&tenant); err != nil {
			return fmt.Errorf("read tenant: %w", err)
		}
		draft.ID, draft.Source, draft.Case = id+"/answer", "urn:efa:operator:"+string(d.cfg.Operator), it.Case
		draft.Tenant, draft.Actor = tenant, v.Actor
		draft.Data = event.DeliveryAnswered{Delivery: id, Authority: v.Authority, Reason: reason}
		_, err = d.cfg.Ledger.Append(ctx, tx, draft)
		return err
	})
	if err != nil {
		return delivery.Item{}, fmt.Errorf("answer delivery: %w", err)
	}
	var it delivery.Item
	err = d.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		it, err = find(ctx, q, v, id)
		return err
	})
	return it, err
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
	_, err = tx.Exec(ctx, `update deliveries set state = $2, reason = $3 where id = $1`, a.Delivery, next, a.Reason)
	return err
}
