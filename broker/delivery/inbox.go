package delivery

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// place is a place in an inbox; the zero place is before the first item. A restore raises the epoch; a cursor of another
// epoch is answered with everything that is not done, from the start (DESIGN law 5): items not yet answered, and tasks
// that are still open although their delivery was accepted.
type place struct{ epoch, seq int64 }

func (p place) String() string {
	return strconv.FormatInt(p.epoch, 10) + "." + strconv.FormatInt(p.seq, 10)
}

func parsePlace(s string) (place, error) {
	if s == "" {
		return place{}, nil
	}
	epoch, seq, _ := strings.Cut(s, ".")
	e, err1 := strconv.ParseInt(epoch, 10, 64)
	n, err2 := strconv.ParseInt(seq, 10, 64)
	if err1 != nil || err2 != nil || e < 0 || n < 0 {
		return place{}, contracts.Refuse(contracts.Invalid, "read cursor", contracts.Problem{
			Pointer: "after",
			Detail:  "want the cursor of an item, unchanged",
		})
	}
	return place{e, n}, nil
}

// Inbox reads up to limit items of v's authority behind the cursor after. When there are none it waits for one, up to
// wait. The second result is the cursor for the next read.
func (d *Delivery) Inbox(ctx context.Context, v actor.Viewer, after string, limit int, wait time.Duration) ([]delivery.Item, string, error) {
	if err := d.gate.Collection(ctx, v, decision.InboxRead); err != nil {
		return nil, "", err
	}
	from, err := parsePlace(after)
	if err != nil {
		return nil, "", err
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		arrived := d.arrived()
		items, next, err := d.read(ctx, v, from, limit)
		if err != nil || len(items) > 0 || wait == 0 {
			return items, next.String(), err
		}
		select {
		case <-arrived:
		case <-deadline.C:
			items, next, err = d.read(ctx, v, from, limit) // a wake-up may be lost
			return items, next.String(), err
		case <-httpserver.Draining(ctx):
			return items, next.String(), nil
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
}

func (d *Delivery) read(ctx context.Context, v actor.Viewer, from place, limit int) (items []delivery.Item, next place, err error) {
	err = d.cfg.DB.View(ctx, v, func(q sqlstore.Querier) (err error) {
		items, next, err = read(ctx, q, v.Authority, from, limit)
		return err
	})
	return items, next, err
}

func read(ctx context.Context, q sqlstore.Querier, a authority.ID, from place, limit int) ([]delivery.Item, place, error) {
	var head place
	err := q.QueryRowContext(ctx, `select epoch, seq from inbox_counters where authority = $1`, a).Scan(&head.epoch, &head.seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, from, fmt.Errorf("read inbox counter: %w", err)
	}
	if from.epoch > head.epoch || from.epoch == head.epoch && from.seq > head.seq {
		return nil, from, contracts.Refuse(contracts.Invalid, "read cursor", contracts.Problem{
			Pointer: "after",
			Detail:  "this inbox has not come so far; the cursor is another inbox's or was changed. Start without one",
		})
	}
	next, undone := place{head.epoch, from.seq}, ""
	restored := from.epoch < head.epoch && from != (place{})
	if restored {
		next.seq, undone = 0, ` and (state in ('announced', 'fetched') or exists (select 1 from tasks t where t.id = task_id and t.state = 'assigned'))`
	}
	rows, err := q.QueryContext(ctx, selectItems+` where authority = $1 and inbox_seq > $2`+undone+` order by inbox_seq limit $3`, a, next.seq, limit)
	if err != nil {
		return nil, from, fmt.Errorf("read inbox: %w", err)
	}
	items, seq, err := scanItems(rows, head.epoch)
	switch {
	case restored && len(items) < limit:
		next.seq = head.seq // nothing that is not done lies behind
	case seq > 0:
		next.seq = seq
	}
	return items, next, err
}

const selectItems = `select id, inbox_seq, sequence, event_id, kind, case_id, authority, role, service, task_id, purpose, basis, item, state, announced_at from deliveries`

type scanner interface{ Scan(dest ...any) error }

func scanItem(row scanner, epoch int64) (delivery.Item, int64, error) {
	var it delivery.Item
	var seq int64
	var item string
	if err := row.Scan(&it.ID, &seq, &it.Sequence, &it.Event, &it.Kind, &it.Case, &it.Authority, &it.Role, &it.Service, &it.Task, &it.Purpose, &it.Basis, &item, &it.State, &it.AnnouncedAt); err != nil {
		return it, 0, err
	}
	var det detail
	if err := json.Unmarshal([]byte(item), &det); err != nil {
		return it, 0, fmt.Errorf("decode item: %w", err)
	}
	it.Cursor = place{epoch, seq}.String()
	it.Outcomes, it.Deadline, it.Opens, it.Contents = det.Outcomes, det.Deadline, det.Opens, det.Contents
	it.TraceParent = det.TraceParent
	it.AnnouncedAt = it.AnnouncedAt.UTC()
	return it, seq, nil
}

func scanItems(rows *sql.Rows, epoch int64) (items []delivery.Item, last int64, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	items = []delivery.Item{}
	for rows.Next() {
		it, seq, err := scanItem(rows, epoch)
		if err != nil {
			return nil, 0, fmt.Errorf("read item: %w", err)
		}
		items, last = append(items, it), seq
	}
	return items, last, rows.Err()
}

// find reads one delivery of v's authority; anybody else's is NotFound.
func find(ctx context.Context, q sqlstore.Querier, v actor.Viewer, id string) (delivery.Item, error) {
	it, _, err := scanItem(q.QueryRowContext(ctx, selectItems+` where id = $1 and authority = $2 and operator = $3`, id, v.Authority, v.Operator), 0)
	if errors.Is(err, sql.ErrNoRows) {
		return it, contracts.Errorf(contracts.NotFound, "read delivery", "no such delivery")
	}
	if err != nil {
		return it, fmt.Errorf("read delivery: %w", err)
	}
	var epoch, seq int64
	if err := q.QueryRowContext(ctx, `select c.epoch, d.inbox_seq from inbox_counters c join deliveries d on d.authority = c.authority where d.id = $1`, id).Scan(&epoch, &seq); err != nil {
		return it, fmt.Errorf("read place of delivery: %w", err)
	}
	it.Cursor = place{epoch, seq}.String()
	return it, nil
}
