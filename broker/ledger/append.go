package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/watermark"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/receipt"
)

// Append records drafts in the caller's transaction, in the order given; a case is opened by its case.submitted.
// A draft that the ledger already holds comes back with Repeated set and changes nothing.
//
// Errors: Conflict when (source, id) is known with another body; NotFound when the case does not exist; TooLarge above
// 64 KiB; Unavailable when who received the draft has been left out since; whatever a projector returns.
func (l *Ledger) Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error) {
	if len(drafts) == 1 {
		l.AppendAhead(tx, drafts[0])
	}
	heads, err := l.lockCases(ctx, tx, drafts)
	if err != nil {
		return nil, err
	}
	out := make([]event.Recorded, 0, len(drafts))
	for _, d := range drafts {
		r, err := l.append(ctx, tx, d, heads)
		if err != nil {
			return nil, fmt.Errorf("append %s: %w", d.Type, err)
		}
		out = append(out, r)
	}
	fault.Crash(fault.LedgerAppended)
	tx.AfterCommit(l.announceCommit)
	return out, nil
}

// AppendAhead says that Append will be called with a draft of which case, source, id and receipt are known; see Tx.Ahead.
func (l *Ledger) AppendAhead(tx *sqlstore.Tx, d event.Draft) {
	tx.Ahead(selectHead+tx.ForUpdate(), d.Case)
	tx.Ahead(selectEvents+sameEvent, d.Source, d.ID)
	watermark.CheckAhead(tx, d.Received)
}

func (l *Ledger) append(ctx context.Context, tx *sqlstore.Tx, d event.Draft, heads map[string]caseHead) (event.Recorded, error) {
	d = renew(d)
	typ, ok := event.Lookup(d.Type)
	if !ok {
		return event.Recorded{}, contracts.Errorf(contracts.Internal, "look up event type", "%s is not in the catalogue", d.Type)
	}
	data, err := json.Marshal(d.Data)
	if err != nil {
		return event.Recorded{}, contracts.Errorf(contracts.Internal, "encode event", "%w", err)
	}
	trace := event.TraceParent(ctx)
	if event.Size(d, data, trace) > event.MaxBytes {
		return event.Recorded{}, contracts.Errorf(contracts.TooLarge, "encode event", "the event exceeds %d bytes", event.MaxBytes)
	}
	if known, err := l.known(ctx, tx, typ, d, data); err != nil || known.Repeated {
		return known, err
	}
	head, err := l.headOf(ctx, tx, d, heads)
	if err != nil {
		return event.Recorded{}, err
	}
	if err := watermark.Check(ctx, tx, d.Received); err != nil {
		return event.Recorded{}, err
	}
	r := event.Recorded{
		ID: d.ID, Source: d.Source, Type: d.Type, Case: d.Case, Tenant: d.Tenant, Operator: l.cfg.Operator, Actor: d.Actor,
		Time: timeOf(tx, d), CaseSeq: head.caseSeq + 1, Data: data, TraceParent: trace,
	}
	if typ.HandedOver && head.state.Open() {
		head.engineSeq++
		r.EngineSeq = head.engineSeq
	}
	if err := l.write(ctx, tx, r, head); err != nil {
		return event.Recorded{}, err
	}
	for _, p := range l.cfg.Projectors {
		if err := p(ctx, tx, r); err != nil {
			return event.Recorded{}, fmt.Errorf("project %s: %w", r.Type, err)
		}
	}
	return r, nil
}

// timeOf is when a draft was received; what the broker does itself happens now.
func timeOf(tx *sqlstore.Tx, d event.Draft) time.Time {
	if d.Received.At.IsZero() {
		return tx.Now()
	}
	return d.Received.At
}

// lockCases locks every case of the drafts, ids ascending, so that appends to the same cases wait for each other instead
// of blocking each other, and returns their heads. A case that is opened here has no row yet and so no rival.
func (l *Ledger) lockCases(ctx context.Context, tx *sqlstore.Tx, drafts []event.Draft) (map[string]caseHead, error) {
	var ids []string
	for _, d := range drafts {
		ids = append(ids, d.Case)
	}
	slices.Sort(ids)
	heads := map[string]caseHead{}
	for _, id := range slices.Compact(ids) {
		h, err := lockHead(ctx, tx, id)
		switch {
		case err == nil:
			heads[id] = h
		case contracts.KindOf(err) != contracts.NotFound:
			return nil, err
		}
	}
	return heads, nil
}

const sameEvent = ` where source = $1 and id = $2`

// known finds an event that the ledger already holds under the same source and id.
func (l *Ledger) known(ctx context.Context, tx *sqlstore.Tx, typ event.Type, d event.Draft, data []byte) (event.Recorded, error) {
	r, err := scanEvent(tx.QueryRowContext(ctx, selectEvents+sameEvent, d.Source, d.ID))
	if errors.Is(err, sql.ErrNoRows) {
		return event.Recorded{}, nil
	}
	if err != nil {
		return event.Recorded{}, fmt.Errorf("look for a repeat: %w", err)
	}
	if r.Type != d.Type || r.Case != d.Case || !typ.Same(r.Data, data) {
		return event.Recorded{}, contracts.Errorf(contracts.Conflict, "compare with the recorded event", "event %s has another body", d.ID)
	}
	r.Repeated = true
	return r, nil
}

// caseHead is the part of the case row that the ledger owns.
type caseHead struct {
	operator           authority.OperatorID
	caseSeq, engineSeq int64
	receipt            string
	state              procedure.State
}

// headOf is the head of a case of this operator, and opens the case when the event does. The head that was read with
// the lock serves once: what is appended moves it, and projectors may change the state.
func (l *Ledger) headOf(ctx context.Context, tx *sqlstore.Tx, d event.Draft, heads map[string]caseHead) (caseHead, error) {
	h, locked := heads[d.Case]
	delete(heads, d.Case)
	if !locked {
		var err error
		h, err = lockHead(ctx, tx, d.Case)
		if contracts.KindOf(err) == contracts.NotFound && d.Type == event.TypeCaseSubmitted {
			return caseHead{receipt: receipt.Zero, state: procedure.Received}, l.openCase(ctx, tx, d)
		}
		if err != nil {
			return h, err
		}
	}
	switch {
	case d.Type == event.TypeCaseSubmitted:
		return h, contracts.Errorf(contracts.Conflict, "open case", "case %s exists", d.Case)
	case h.operator != l.cfg.Operator:
		return h, contracts.Errorf(contracts.NotFound, "read case", "no case %s", d.Case)
	}
	return h, nil
}

func (l *Ledger) openCase(ctx context.Context, tx *sqlstore.Tx, d event.Draft) error {
	s, ok := d.Data.(event.CaseSubmitted)
	if !ok {
		return contracts.Errorf(contracts.Internal, "open case", "data of %s are a %T", d.Type, d.Data)
	}
	facts, err := json.Marshal(s.Facts)
	if err != nil {
		return fmt.Errorf("encode facts: %w", err)
	}
	parties, err := json.Marshal(s.Parties)
	if err != nil {
		return fmt.Errorf("encode parties: %w", err)
	}
	err = tx.Put(ctx, `insert into cases (id, operator, tenant, service, package, definition, procedure_kind, lead, state,
		attention, submitter, facts, parties, case_seq, engine_seq, receipt_head, announcements, received_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, $11, $12, 0, 0, $13, 0, $14)`,
		d.Case, l.cfg.Operator, d.Tenant, s.Service, s.Package, s.Definition, s.Procedure, s.Lead, procedure.Received,
		d.Actor.ID, string(facts), string(parties), receipt.Zero, timeOf(tx, d))
	if err != nil {
		return fmt.Errorf("open case: %w", err)
	}
	return nil
}

func (l *Ledger) write(ctx context.Context, tx *sqlstore.Tx, r event.Recorded, head caseHead) error {
	actorJSON, err := json.Marshal(r.Actor)
	if err != nil {
		return fmt.Errorf("encode actor: %w", err)
	}
	digest := Digest(r)
	if err := tx.Put(ctx, `insert into events (case_id, case_seq, engine_seq, id, source, type, operator, tenant, actor, at, data, digest, traceparent)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		r.Case, r.CaseSeq, r.EngineSeq, r.ID, r.Source, r.Type, r.Operator, r.Tenant, string(actorJSON), r.Time, string(r.Data), digest, r.TraceParent); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := stamp(ctx, tx, r); err != nil {
		return err
	}
	rc := receipt.Receipt{Case: r.Case, Seq: r.CaseSeq, Event: r.ID, Digest: digest, Previous: head.receipt, At: r.Time}
	rc.Seal(l.cfg.Key.ID, l.cfg.Key.Private)
	if err := tx.Put(ctx, `insert into receipts (case_id, seq, event_id, digest, previous, at, hash, key_id, signature)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		rc.Case, rc.Seq, rc.Event, rc.Digest, rc.Previous, rc.At, rc.Hash, rc.Key, rc.Signature); err != nil {
		return fmt.Errorf("write receipt: %w", err)
	}
	tx.Keep(receiptKey{rc.Case, rc.Seq}, rc)
	if !fault.Mutated(fault.DropOutboxRow) {
		if err := tx.Put(ctx, `insert into outbox (case_id, case_seq, shard) values ($1, $2, $3)`, r.Case, r.CaseSeq, l.shard(r.Case)); err != nil {
			return fmt.Errorf("write outbox row: %w", err)
		}
	}
	if err := tx.Put(ctx, `update cases set case_seq = $2, engine_seq = $3, receipt_head = $4 where id = $1`,
		r.Case, r.CaseSeq, max(head.engineSeq, r.EngineSeq), rc.Hash); err != nil {
		return fmt.Errorf("advance case: %w", err)
	}
	return nil
}

// shard spreads cases over relay shards; all events of a case are in one.
func (l *Ledger) shard(caseID string) int64 {
	h := fnv.New32a()
	h.Write([]byte(caseID))
	return int64(h.Sum32()) % l.cfg.Shards
}

// Digest is the SHA-256 (hex) to which an event's receipt commits: everything that the ledger holds of the event, as a
// versioned list of fields with their lengths. A later version of the product that records more makes a new version of
// the list; the old ones verify for ever.
func Digest(r event.Recorded) string {
	h := sha256.New()
	for _, field := range []string{
		"efa-event/1", r.ID, r.Source, r.Type, r.Case, string(r.Tenant), string(r.Operator),
		r.Actor.ID, string(r.Actor.Role), string(r.Actor.Authority), r.Time.UTC().Format(time.RFC3339Nano),
		strconv.FormatInt(r.CaseSeq, 10), strconv.FormatInt(r.EngineSeq, 10), string(r.Data), r.TraceParent,
	} {
		h.Write(strconv.AppendInt(nil, int64(len(field)), 10))
		h.Write([]byte{':'})
		h.Write([]byte(field))
	}
	return hex.EncodeToString(h.Sum(nil))
}
