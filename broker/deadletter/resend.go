package deadletter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Resend lets the case of a letter go on and has its events published again; consumers drop what they have. The same again
// changes nothing. A refused record is a Conflict: it is none of the ledger's, and its bytes were not kept.
func (d *DeadLetters) Resend(ctx context.Context, v actor.Viewer, id, why string) (deadletter.Letter, error) {
	if err := d.gate.Relation(ctx, v, decision.DeadLetterResend, decision.Hosted); err != nil {
		return deadletter.Letter{}, err
	}
	l, err := d.find(ctx, v, id)
	if err != nil {
		return l, err
	}
	if l.State == deadletter.Refused {
		return l, contracts.Refuse(contracts.Conflict, "send letter again", contracts.Problem{
			Pointer: "letter_id", Detail: "a refused record has nothing to send: it is none of the ledger's",
		})
	}
	if err := d.resend(ctx, l, v.ID, why); err != nil {
		return l, err
	}
	return d.find(ctx, v, id)
}

// resend ends the stop first: if the program ends in between, the relay finds that the case lacks its events.
func (d *DeadLetters) resend(ctx context.Context, l deadletter.Letter, by, why string) error {
	var changed int64
	err := d.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		res, err := tx.Exec(ctx, `update dead_letters set state = $2, resent_at = $3, resent_by = $4, resent_why = $5 where id = $1 and state in ('parked', 'dead')`,
			l.ID, deadletter.Resent, tx.Now(), by, why)
		if err != nil {
			return err
		}
		changed, err = res.RowsAffected()
		return err
	})
	if err != nil || changed == 0 {
		return err
	}
	d.cfg.Log.InfoContext(ctx, "letter is sent again", "letter_id", l.ID, "case_id", l.Case, "by", by)
	if _, err := d.outbox.ReplayCase(ctx, l.Case); err != nil {
		return fmt.Errorf("send letter again: %w", err)
	}
	return nil
}

// Run sends parked letters again until ctx ends, and returns nil: all of them at the start, because this may be the program
// that knows them, then those whose type it knows.
func (d *DeadLetters) Run(ctx context.Context) error {
	tick := time.NewTicker(d.cfg.Interval)
	defer tick.Stop()
	all := true
	for {
		err := d.unpark(ctx, all)
		all = all && err != nil
		if err != nil && ctx.Err() == nil {
			d.cfg.Log.WarnContext(ctx, "parked letters not looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (d *DeadLetters) unpark(ctx context.Context, all bool) error {
	parked, err := letters(ctx, d.cfg.DB.Read(), selectLetters+` where operator = $1 and state = $2 order by first_at, id`, d.cfg.Operator, deadletter.Parked)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range parked {
		_, known := event.Lookup(l.Type)
		if all || (known && l.Reason == deadletter.UnknownType) {
			errs = append(errs, d.resend(ctx, l, string(actor.Engine), "program that may know it"))
		}
	}
	return errors.Join(errs...)
}
