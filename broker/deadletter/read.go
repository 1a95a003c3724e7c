package deadletter

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

const selectLetters = `select id, state, reason, consumer, case_id, case_seq, event_id, type, topic, log_part, log_offset, size, digest,
	spec_version, media_type, times, first_at, last_at, resent_at, resent_by, resent_why from dead_letters`

type scanner interface{ Scan(dest ...any) error }

func scanLetter(row scanner) (deadletter.Letter, error) {
	var l deadletter.Letter
	var partition int
	var offset int64
	var resent sql.NullTime
	err := row.Scan(&l.ID, &l.State, &l.Reason, &l.Consumer, &l.Case, &l.CaseSeq, &l.Event, &l.Type, &l.Topic, &partition, &offset, &l.Size, &l.Digest,
		&l.SpecVersion, &l.MediaType, &l.Times, &l.FirstAt, &l.LastAt, &resent, &l.ResentBy, &l.ResentWhy)
	if err != nil {
		return l, err
	}
	if partition >= 0 {
		l.Partition, l.Offset = &partition, &offset
	}
	l.FirstAt, l.LastAt = l.FirstAt.UTC(), l.LastAt.UTC()
	if resent.Valid {
		at := resent.Time.UTC()
		l.ResentAt = &at
	}
	return l, nil
}

// List lists up to limit letters that v may see behind the cursor after, oldest first; state narrows it.
func (d *DeadLetters) List(ctx context.Context, v actor.Viewer, state deadletter.State, after string, limit int) ([]deadletter.Letter, string, error) {
	if err := d.gate.Collection(ctx, v, decision.DeadLetterList); err != nil {
		return nil, "", err
	}
	at, id, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	var out []deadletter.Letter
	err = d.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		out, err = letters(ctx, q, selectLetters+` where operator = $1 and (first_at, id) > ($2, $3) and (state = $4 or $4 = '') order by first_at, id limit $5`,
			v.Operator, at, id, state, limit+1)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if len(out) <= limit {
		return out, "", nil
	}
	out = out[:limit]
	last := out[limit-1]
	return out, last.FirstAt.Format(time.RFC3339Nano) + "_" + last.ID, nil
}

func letters(ctx context.Context, q sqlstore.Querier, query string, args ...any) (out []deadletter.Letter, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read letters: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = []deadletter.Letter{}
	for rows.Next() {
		l, err := scanLetter(rows)
		if err != nil {
			return nil, fmt.Errorf("read letter: %w", err)
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

func parseCursor(s string) (time.Time, string, error) {
	if s == "" {
		return time.Time{}, "", nil
	}
	instant, id, ok := strings.Cut(s, "_")
	at, err := time.Parse(time.RFC3339Nano, instant)
	if !ok || err != nil {
		return time.Time{}, "", contracts.Refuse(contracts.Invalid, "read cursor", contracts.Problem{
			Pointer: "after",
			Detail:  `want the "next" of the page before, unchanged`,
		})
	}
	return at, id, nil
}

// Letter reads one letter for v.
func (d *DeadLetters) Letter(ctx context.Context, v actor.Viewer, id string) (deadletter.Letter, error) {
	if err := d.gate.Relation(ctx, v, decision.DeadLetterList, decision.Hosted); err != nil {
		return deadletter.Letter{}, err
	}
	return d.find(ctx, v, id)
}

func (d *DeadLetters) find(ctx context.Context, v actor.Viewer, id string) (l deadletter.Letter, err error) {
	err = d.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		l, err = scanLetter(q.QueryRowContext(ctx, selectLetters+` where id = $1 and operator = $2`, id, v.Operator))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return l, contracts.Errorf(contracts.NotFound, "read letter", "no such letter")
	}
	if err != nil {
		return l, fmt.Errorf("read letter: %w", err)
	}
	return l, nil
}
