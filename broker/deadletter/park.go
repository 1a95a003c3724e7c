package deadletter

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
)

// Park puts a record aside that could not be decoded, for the reason given. It returns nil when the letter is durable.
func (d *DeadLetters) Park(ctx context.Context, r Record, reason error) error {
	l := r.about()
	l.State, l.Reason = deadletter.Refused, deadletter.Undecodable
	if contracts.KindOf(reason) == contracts.Unsupported {
		l.Reason = deadletter.UnknownVersion
	}
	l.ID = idOf("record", r.Topic, strconv.Itoa(r.Partition), strconv.FormatInt(r.Offset, 10), l.Digest)
	err := d.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		if l.Reason == deadletter.UnknownVersion {
			if err := ours(ctx, tx, r, &l); err != nil {
				return err
			}
		}
		return d.write(ctx, tx, l)
	})
	if err != nil {
		return fmt.Errorf("park record: %w", err)
	}
	d.told(ctx, l)
	fault.Crash(fault.DeadletterWritten)
	return nil
}

// Refuse puts a record aside that came from outside, in the caller's transaction and for a reason of its taker. It returns
// the letter's id. Nothing is kept but codes, place, size and digest.
func (d *DeadLetters) Refuse(ctx context.Context, tx *sqlstore.Tx, r Record, reason deadletter.Reason) (string, error) {
	l := r.about()
	l.State, l.Reason = deadletter.Refused, reason
	l.ID = idOf("record", r.Topic, strconv.Itoa(r.Partition), strconv.FormatInt(r.Offset, 10), l.Digest)
	if err := d.write(ctx, tx, l); err != nil {
		return "", err
	}
	tx.AfterCommit(func() { d.told(context.WithoutCancel(ctx), l) })
	return l.ID, nil
}

// ours makes l a letter about an event of the ledger when the ledger holds the event that the record names and no consumer
// has handled it. What was handled came in a form that was understood, so another form of it is a foreign copy.
func ours(ctx context.Context, tx *sqlstore.Tx, r Record, l *deadletter.Letter) error {
	err := tx.QueryRowContext(ctx, `select case_id, case_seq, id, type from events e where source = $1 and id = $2
			and not exists (select 1 from consumer_positions p where p.case_id = e.case_id and p.case_seq >= e.case_seq)`,
		r.Headers["ce_source"], r.Headers["ce_id"]).Scan(&l.Case, &l.CaseSeq, &l.Event, &l.Type)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the event of the record: %w", err)
	}
	l.State = deadletter.Parked
	l.ID = idOf("event", "", l.Case, strconv.FormatInt(l.CaseSeq, 10))
	return nil
}

// write adds a letter, or counts it again; one that was sent again is put aside again.
func (d *DeadLetters) write(ctx context.Context, tx *sqlstore.Tx, l deadletter.Letter) error {
	partition, offset := int64(-1), int64(-1)
	if l.Partition != nil && l.Offset != nil {
		partition, offset = int64(*l.Partition), *l.Offset
	}
	_, err := tx.Exec(ctx, `insert into dead_letters (id, operator, state, reason, consumer, case_id, case_seq, event_id, type, topic, log_part, log_offset,
			size, digest, spec_version, media_type, times, first_at, last_at, resent_by, resent_why)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $17, '', '')
		on conflict (id) do update set state = excluded.state, reason = excluded.reason, times = dead_letters.times + 1, last_at = excluded.last_at,
			log_part = excluded.log_part, log_offset = excluded.log_offset`,
		l.ID, d.cfg.Operator, l.State, l.Reason, l.Consumer, l.Case, l.CaseSeq, l.Event, l.Type, l.Topic, partition, offset,
		l.Size, l.Digest, l.SpecVersion, l.MediaType, tx.Now())
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	return nil
}

// told tells the operator's log of a letter, in codes and ids.
func (d *DeadLetters) told(ctx context.Context, l deadletter.Letter) {
	d.cfg.Log.ErrorContext(ctx, "put aside", "letter_id", l.ID, "state", string(l.State), "reason", string(l.Reason),
		"consumer", l.Consumer, "case_id", l.Case, "event_id", l.Event, "digest", l.Digest)
}
