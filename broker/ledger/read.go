package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/receipt"
)

const selectEvents = `select case_id, case_seq, engine_seq, id, source, type, operator, tenant, actor, at, data, traceparent from events`

type scanner interface{ Scan(dest ...any) error }

func scanEvent(row scanner) (event.Recorded, error) {
	var r event.Recorded
	var actorJSON, data string
	if err := row.Scan(&r.Case, &r.CaseSeq, &r.EngineSeq, &r.ID, &r.Source, &r.Type, &r.Operator, &r.Tenant, &actorJSON, &r.Time, &data, &r.TraceParent); err != nil {
		return r, err
	}
	r.Time = r.Time.UTC()
	r.Data = json.RawMessage(data)
	if err := json.Unmarshal([]byte(actorJSON), &r.Actor); err != nil {
		return r, fmt.Errorf("decode actor: %w", err)
	}
	return r, nil
}

func scanEvents(rows *sql.Rows) (out []event.Recorded, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scanEvent(rows)
		if err != nil {
			return nil, fmt.Errorf("read event: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// CaseEvents reads up to limit events of a case behind afterSeq, in case order.
func (l *Ledger) CaseEvents(ctx context.Context, q sqlstore.Querier, caseID string, afterSeq int64, limit int) ([]event.Recorded, error) {
	rows, err := q.QueryContext(ctx, selectEvents+behindSeq, caseID, afterSeq, limit)
	if err != nil {
		return nil, fmt.Errorf("read events of case %s: %w", caseID, err)
	}
	return scanEvents(rows)
}

const behindSeq = ` where case_id = $1 and case_seq > $2 order by case_seq limit $3`

// CaseEventsAhead says that CaseEvents will be asked; see Tx.Ahead.
func (l *Ledger) CaseEventsAhead(tx *sqlstore.Tx, caseID string, afterSeq int64, limit int) {
	tx.Ahead(selectEvents+behindSeq, caseID, afterSeq, limit)
}

// Events reads what the engine has not applied yet: every event of the case handed over behind the engine_seq after.
func (l *Ledger) Events(ctx context.Context, caseID string, after int64) ([]engine.Event, error) {
	return l.engineEvents(ctx, l.cfg.DB.Read(), caseID, after)
}

func (l *Ledger) engineEvents(ctx context.Context, q sqlstore.Querier, caseID string, after int64) ([]engine.Event, error) {
	rows, err := q.QueryContext(ctx, selectEvents+` where case_id = $1 and engine_seq > $2 order by engine_seq`, caseID, after)
	if err != nil {
		return nil, fmt.Errorf("read handed-over events of case %s: %w", caseID, err)
	}
	recorded, err := scanEvents(rows)
	if err != nil {
		return nil, err
	}
	out := make([]engine.Event, 0, len(recorded))
	for _, r := range recorded {
		e, err := event.ForEngine(r)
		if err != nil {
			return nil, fmt.Errorf("hand over event %s: %w", r.ID, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// Receipt reads the receipt with which the ledger acknowledged an event of a case.
func (l *Ledger) Receipt(ctx context.Context, q sqlstore.Querier, caseID string, seq int64) (receipt.Receipt, error) {
	if tx, writing := q.(*sqlstore.Tx); writing {
		if written, ok := tx.Kept(receiptKey{caseID, seq}).(receipt.Receipt); ok {
			return written, nil
		}
	}
	r, err := scanReceipt(q.QueryRowContext(ctx, selectReceipts+` where case_id = $1 and seq = $2`, caseID, seq))
	if errors.Is(err, sql.ErrNoRows) {
		return r, contracts.Errorf(contracts.NotFound, "read receipt", "no receipt %d of case %s", seq, caseID)
	}
	if err != nil {
		return r, fmt.Errorf("read receipt: %w", err)
	}
	return r, nil
}

// receiptKey is under what a transaction keeps a receipt that it has written.
type receiptKey struct {
	caseID string
	seq    int64
}

const selectReceipts = `select case_id, seq, event_id, digest, previous, at, hash, key_id, signature from receipts`

func scanReceipt(row scanner) (receipt.Receipt, error) {
	var r receipt.Receipt
	err := row.Scan(&r.Case, &r.Seq, &r.Event, &r.Digest, &r.Previous, &r.At, &r.Hash, &r.Key, &r.Signature)
	r.At = r.At.UTC()
	return r, err
}
