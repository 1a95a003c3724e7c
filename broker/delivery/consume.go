package delivery

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/position"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// Handle takes a batch of events of efa.cases and writes the inbox rows in one transaction, under the lease with which
// delivery consumes. A record of the event log is a hint only: what is delivered are the events that the ledger holds
// behind the position of the case. So a forged, repeated or missing record changes nothing (DESIGN law 2).
func (d *Delivery) Handle(ctx context.Context, l lease.Lease, events []event.Recorded) error {
	err := d.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		cases := position.Cases(events)
		lease.CheckAhead(tx, l)
		for _, caseID := range cases {
			position.OfAhead(tx, Consumer, caseID)
		}
		if err := lease.Check(ctx, tx, l); err != nil {
			return err
		}
		rows, err := d.rowsOf(ctx, tx, cases, events)
		if err != nil || len(rows) == 0 {
			return err
		}
		tx.AfterCommit(d.announceArrival)
		return d.number(ctx, tx, rows)
	})
	if err != nil {
		return fmt.Errorf("deliver %d events: %w", len(events), err)
	}
	fault.Crash(fault.DeliveryCommitted)
	return nil
}

const (
	// pageOfEvents is how many events of a case are read at a time.
	pageOfEvents = 500
	// atOnce is for how many cases, or rows, is asked in one round trip.
	atOnce = 50
)

// rowsOf makes the inbox rows of every event of the cases that delivery has not handled, and advances its positions.
func (d *Delivery) rowsOf(ctx context.Context, tx *sqlstore.Tx, cases []string, hints []event.Recorded) ([]row, error) {
	done, advanced := map[string]int64{}, map[string]int64{}
	for _, caseID := range cases {
		var err error
		if done[caseID], err = position.Of(ctx, tx, Consumer, caseID); err != nil {
			return nil, err
		}
	}
	var rows []row
	for some := range slices.Chunk(cases, atOnce) {
		for _, caseID := range some {
			d.cfg.Ledger.CaseEventsAhead(tx, caseID, done[caseID], pageOfEvents)
		}
		for _, caseID := range some {
			found, last, err := d.rowsOfCase(ctx, tx, caseID, done[caseID], hints)
			if err != nil {
				return nil, err
			}
			rows = append(rows, found...)
			if last > done[caseID] {
				advanced[caseID] = last
			}
		}
	}
	for _, caseID := range slices.Sorted(maps.Keys(advanced)) {
		if err := position.Advance(ctx, tx, Consumer, caseID, advanced[caseID]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// rowsOfCase makes the rows of the events of a case behind done, and returns the last of these.
func (d *Delivery) rowsOfCase(ctx context.Context, tx *sqlstore.Tx, caseID string, done int64, hints []event.Recorded) (rows []row, last int64, err error) {
	jumps, hops := position.Jumps(hints, caseID, done), trace.Hops(hints, caseID)
	for {
		page, err := d.cfg.Ledger.CaseEvents(ctx, tx, caseID, done, pageOfEvents)
		if err != nil {
			return nil, 0, err
		}
		if jumps && len(page) > 0 {
			tx.AfterCommit(d.cfg.Jumped)
			jumps = false
		}
		for _, e := range page {
			fault.Panic(fault.DeliveryPanics, e.ID)
			r, ok, err := rowOf(e)
			if err != nil {
				return nil, 0, err
			}
			if ok {
				if fault.Mutated(fault.WrongTenant) {
					r.authority = "gewerbeamt-nuernberg"
				}
				r.event.Hop = hops[e.CaseSeq]
				rows = append(rows, r)
			}
			done = e.CaseSeq
		}
		if len(page) < pageOfEvents {
			return rows, done, nil
		}
	}
}

// row is a delivery before it has its place in the inbox.
type row struct {
	event     event.Recorded
	kind      delivery.Kind
	authority authority.ID
	role      authority.Role
	task      string
	purpose   string
	basis     string
	detail    detail
}

// detail is what an item says beside its columns.
type detail struct {
	Outcomes []string       `json:"outcomes,omitempty"`
	Deadline *law.Deadline  `json:"deadline,omitempty"`
	Opens    key.ServiceKey `json:"opens,omitempty"`
	Contents []content.Ref  `json:"contents"`
	// TraceParent is the trace context in which the item was delivered. A trace tells which cases followed from one request,
	// so it leaves only where the operator makes traces.
	TraceParent string `json:"traceparent,omitempty"`
}

func rowOf(e event.Recorded) (row, bool, error) {
	switch e.Type {
	case event.TypeTaskAssigned:
		t, err := event.Decode[event.TaskAssigned](e)
		if err != nil {
			return row{}, false, fmt.Errorf("decode %s: %w", e.Type, err)
		}
		return row{
			event: e, kind: delivery.TaskItem, authority: t.Authority, role: t.Role, task: t.Task, purpose: t.Purpose, basis: t.Basis,
			detail: detail{Outcomes: t.Outcomes, Deadline: &t.Deadline, Opens: t.Opens, Contents: t.Contents},
		}, true, nil
	case event.TypeContentAnnounced:
		a, err := event.Decode[event.ContentAnnounced](e)
		if err != nil {
			return row{}, false, fmt.Errorf("decode %s: %w", e.Type, err)
		}
		return row{
			event: e, kind: delivery.AnnouncementItem, authority: a.Authority, role: a.Role, purpose: a.Purpose, basis: a.Basis,
			detail: detail{Contents: a.Contents},
		}, true, nil
	}
	if _, known := event.Lookup(e.Type); !known { // of a newer program, and it may be for an inbox
		return row{}, false, contracts.Errorf(contracts.Unsupported, "look up event type", "%s is not in the catalogue", e.Type)
	}
	return row{}, false, nil
}

// number gives the rows their places, authorities ascending, as the last statements of the transaction.
func (d *Delivery) number(ctx context.Context, tx *sqlstore.Tx, rows []row) error {
	rows, err := missing(ctx, tx, rows)
	if err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.authority, b.authority) })
	var next place
	for i, r := range rows {
		if i == 0 || rows[i-1].authority != r.authority {
			if next, err = takePlaces(ctx, tx, r.authority, rows[i:]); err != nil {
				return err
			}
		}
		if err := d.deliver(ctx, tx, r, next); err != nil {
			return fmt.Errorf("write delivery for event %s: %w", r.event.ID, err)
		}
		next.seq++
	}
	fault.Crash(fault.DeliveryNumbered)
	return nil
}

// missing are the rows that the inboxes do not have.
func missing(ctx context.Context, tx *sqlstore.Tx, rows []row) (out []row, err error) {
	const count = `select count(*) from deliveries where id = $1`
	for some := range slices.Chunk(rows, atOnce) {
		for _, r := range some {
			tx.Ahead(count, r.id())
		}
		for _, r := range some {
			var known int
			if err := tx.QueryRowContext(ctx, count, r.id()).Scan(&known); err != nil {
				return nil, fmt.Errorf("look for delivery of event %s: %w", r.event.ID, err)
			}
			if known == 0 {
				out = append(out, r)
			}
		}
	}
	return out, nil
}

// takePlaces takes the next places in the inbox of an authority for the first of the rows that are its own, and returns the
// first place.
func takePlaces(ctx context.Context, tx *sqlstore.Tx, a authority.ID, rows []row) (first place, err error) {
	n := slices.IndexFunc(rows, func(r row) bool { return r.authority != a })
	if n < 0 {
		n = len(rows)
	}
	err = tx.QueryRowContext(ctx, `insert into inbox_counters (authority, epoch, seq) values ($1, (select coalesce(max(epoch), 1) from inbox_counters), $2)
		on conflict (authority) do update set seq = inbox_counters.seq + excluded.seq returning epoch, seq`, a, n).Scan(&first.epoch, &first.seq)
	if err != nil {
		return place{}, fmt.Errorf("raise inbox counter: %w", err)
	}
	first.seq -= int64(n) - 1
	return first, nil
}

// deliver inserts a row under a span, with which the trace goes on at the back office.
func (d *Delivery) deliver(ctx context.Context, tx *sqlstore.Tx, r row, at place) error {
	if !d.cfg.Tracer.On() {
		return r.insert(ctx, tx, at)
	}
	ctx, span := d.cfg.Tracer.Start(d.cfg.Tracer.Follow(ctx, r.event), trace.EventDeliver,
		trace.EventType(r.event.Type), trace.Case(r.event.Case), trace.Authority(string(r.authority)))
	r.detail.TraceParent = event.TraceParent(ctx)
	err := r.insert(ctx, tx, at)
	span.End(err)
	return err
}

func (r row) insert(ctx context.Context, tx *sqlstore.Tx, at place) error {
	item, err := json.Marshal(r.detail)
	if err != nil {
		return fmt.Errorf("encode item: %w", err)
	}
	return tx.Put(ctx, `insert into deliveries (id, operator, authority, inbox_epoch, inbox_seq, case_id, case_seq, event_id, kind, role, service,
		task_id, purpose, basis, item, state, reason, announced_at, sequence)
		select $1, operator, $2, $3, $4, $5, $6, $7, $8, $9, service, $10, $11, $12, $13, $14, '', $15,
			1 + (select count(*) from deliveries where case_id = $5 and authority = $2) from cases where id = $5`,
		r.id(), r.authority, at.epoch, at.seq, r.event.Case, r.event.CaseSeq, r.event.ID, r.kind, r.role, r.task, r.purpose, r.basis, string(item),
		delivery.Announced, tx.Now())
}

// id is the id of the delivery of one event to one authority; the same event always has the same.
func (r row) id() string {
	return uuid.NewSHA1(deliverySpace, []byte(r.event.Case+"/"+strconv.FormatInt(r.event.CaseSeq, 10)+"/"+string(r.authority))).String()
}

// deliverySpace is the name space of delivery ids (RFC 9562, version 5).
var deliverySpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:efa:delivery"))

// Fetched notes that content of a case was handed over to an authority for a purpose: its announced items of that content
// and purpose become fetched. It runs in the releasing transaction.
func (d *Delivery) Fetched(ctx context.Context, tx *sqlstore.Tx, caseID string, a authority.ID, id content.ID, purpose string) error {
	rows, err := tx.QueryContext(ctx, `select id, item from deliveries where case_id = $1 and authority = $2 and purpose = $3 and state = $4
		order by inbox_seq`, caseID, a, purpose, delivery.Announced)
	if err != nil {
		return fmt.Errorf("read deliveries: %w", err)
	}
	ids, err := carrying(rows, id)
	if err != nil {
		return err
	}
	for _, deliveryID := range ids {
		if err := tx.Put(ctx, `update deliveries set state = $2 where id = $1`, deliveryID, delivery.Fetched); err != nil {
			return err
		}
	}
	return nil
}

func carrying(rows *sql.Rows, id content.ID) (ids []string, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var deliveryID, item string
		if err := rows.Scan(&deliveryID, &item); err != nil {
			return nil, fmt.Errorf("read delivery: %w", err)
		}
		var det detail
		if err := json.Unmarshal([]byte(item), &det); err != nil {
			return nil, fmt.Errorf("decode delivery: %w", err)
		}
		if slices.ContainsFunc(det.Contents, func(r content.Ref) bool { return r.Content == id }) {
			ids = append(ids, deliveryID)
		}
	}
	return ids, rows.Err()
}
