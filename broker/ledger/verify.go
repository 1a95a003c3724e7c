package ledger

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/receipt"
)

// Verify walks every receipt chain of an operator: each event has one receipt, each receipt follows its predecessor,
// its signature verifies and it commits to the event as it stands. All faults are reported, at most one per case.
func (l *Ledger) Verify(ctx context.Context, operator authority.OperatorID) (Verification, error) {
	v := Verification{
		KeyId: l.cfg.Key.ID, PublicKey: base64.StdEncoding.EncodeToString(l.cfg.Key.Public()), Problems: []string{},
	}
	heads, err := caseHeads(ctx, l.cfg.DB.Read(), operator)
	if err != nil {
		return v, err
	}
	keys, err := l.publicKeys(ctx)
	if err != nil {
		return v, err
	}
	for _, h := range heads {
		n, err := l.verifyCase(ctx, h, keys)
		v.Cases++
		v.Receipts += n
		if err != nil {
			v.Problems = append(v.Problems, err.Error())
		}
	}
	for _, e := range l.cfg.Evidence {
		problems, err := e(ctx, operator)
		if err != nil {
			return v, fmt.Errorf("verify what hangs on the ledger: %w", err)
		}
		v.Problems = append(v.Problems, problems...)
	}
	v.Valid = len(v.Problems) == 0
	return v, nil
}

// publicKeys reads every key that has signed receipts.
func (l *Ledger) publicKeys(ctx context.Context) (keys map[string]ed25519.PublicKey, err error) {
	rows, err := l.cfg.DB.Read().QueryContext(ctx, `select id, public from receipt_keys`)
	if err != nil {
		return nil, fmt.Errorf("read receipt keys: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	keys = map[string]ed25519.PublicKey{}
	for rows.Next() {
		var id string
		var public []byte
		if err := rows.Scan(&id, &public); err != nil {
			return nil, fmt.Errorf("read receipt keys: %w", err)
		}
		if KeyID(public) == id { // a row whose key does not make its id verifies nothing
			keys[id] = public
		}
	}
	return keys, rows.Err()
}

type chainHead struct {
	id, receipt string
	seq         int64
}

func caseHeads(ctx context.Context, q sqlstore.Querier, operator authority.OperatorID) (out []chainHead, err error) {
	rows, err := q.QueryContext(ctx, `select id, receipt_head, case_seq from cases where operator = $1 order by received_at, id`, operator)
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var h chainHead
		if err := rows.Scan(&h.id, &h.receipt, &h.seq); err != nil {
			return nil, fmt.Errorf("list cases: %w", err)
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// verifyCase returns the number of receipts that were read and the first fault. The event log and the chain grow while
// they are read, so both are read up to the head that was seen.
func (l *Ledger) verifyCase(ctx context.Context, h chainHead, keys map[string]ed25519.PublicKey) (int64, error) {
	q := l.cfg.DB.Read()
	events, err := l.CaseEvents(ctx, q, h.id, 0, int(h.seq))
	if err != nil {
		return 0, err
	}
	rows, err := q.QueryContext(ctx, selectReceipts+` where case_id = $1 and seq <= $2 order by seq`, h.id, h.seq)
	if err != nil {
		return 0, fmt.Errorf("read receipts of case %s: %w", h.id, err)
	}
	receipts, err := scanReceipts(rows)
	if err != nil {
		return 0, err
	}
	n := int64(len(receipts))
	if n != h.seq || int64(len(events)) != h.seq {
		return n, fmt.Errorf("case %s has %d events and %d receipts, want %d of each", h.id, len(events), n, h.seq)
	}
	previous := receipt.Zero
	for i, r := range receipts {
		if err := r.Verify(keys[r.Key], int64(i)+1, previous); err != nil {
			return n, err
		}
		if Digest(events[i]) != r.Digest || events[i].ID != r.Event {
			return n, fmt.Errorf("event %d of case %s is not the one that its receipt acknowledged", i+1, h.id)
		}
		previous = r.Hash
	}
	if previous != h.receipt {
		return n, fmt.Errorf("the chain of case %s does not end at its head", h.id)
	}
	return n, nil
}

func scanReceipts(rows *sql.Rows) (out []receipt.Receipt, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scanReceipt(rows)
		if err != nil {
			return nil, fmt.Errorf("read receipt: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
