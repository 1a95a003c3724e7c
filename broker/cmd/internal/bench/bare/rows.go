package bare

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// Rows writes the rows of the ledger for one event, and no others: event, receipt, outbox row, head of the case. Nothing is
// looked up, checked or signed.
type Rows struct {
	db    *sqlstore.DB
	cases []string
	seq   []int64
}

// casesPerClient is enough that a client does not come back to its case at once.
const casesPerClient = 16

// NewRows makes cases, each of which one of the clients has for itself.
func NewRows(ctx context.Context, db *sqlstore.DB, clients int) (*Rows, error) {
	r := &Rows{db: db, seq: make([]int64, clients*casesPerClient)}
	for range r.seq {
		r.cases = append(r.cases, uuid.NewString())
	}
	err := db.Write(ctx, func(tx *sqlstore.Tx) error {
		for _, id := range r.cases {
			_, err := tx.Exec(ctx, `insert into cases (id, operator, tenant, service, package, definition, procedure_kind, lead, state, attention,
				submitter, facts, parties, case_seq, engine_seq, receipt_head, announcements, received_at)
				values ($1, 'bench', 'muenchen', '99050012104000', $2, $2, 'notification', 'gewerbeamt-muenchen', 'received', '',
				'bare', '{}', '[]', 0, 0, $2, 0, $3)`, id, digest, tx.Now())
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make cases of the baseline: %w", err)
	}
	return r, nil
}

// As long as the real ones.
const (
	actorJSON = `{"id":"gewerbeamt-muenchen","role":"authority_system","authority":"gewerbeamt-muenchen"}`
	trace     = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	shards    = 4
)

var (
	digest    = strings.Repeat("0123456789abcdef", 4)
	signature = strings.Repeat("abcdefgh", 11)
)

// Append writes the i-th event of a round in one transaction. The clients of measure.Clients do not meet at a case.
func (r *Rows) Append(ctx context.Context, i int) error {
	n := i % len(r.cases)
	id := r.cases[n]
	seq := r.seq[n] + 1
	err := r.db.Write(ctx, func(tx *sqlstore.Tx) error {
		now, event := tx.Now(), fmt.Sprintf("%s.register.%d/answer", id, seq)
		data := fmt.Sprintf(`{"task_id":"%s.register.%d","step":"register","pass":%d,"outcome":"registered","facts":{"indications_of_violation":false},"contents":null}`, id, seq, seq)
		for _, s := range []struct {
			text string
			args []any
		}{
			{
				`insert into events (case_id, case_seq, engine_seq, id, source, type, operator, tenant, actor, at, data, digest, traceparent)
				values ($1, $2, $2, $3, 'urn:efa:operator:bench', 'de.efa.task.completed.v1', 'bench', 'muenchen', $4, $5, $6, $7, $8)`,
				[]any{id, seq, event, actorJSON, now, data, digest, trace},
			},
			{
				`insert into receipts (case_id, seq, event_id, digest, previous, at, hash, key_id, signature)
				values ($1, $2, $3, $4, $4, $5, $4, 'receipt-0123456789abcdef0123456789abcdef', $6)`,
				[]any{id, seq, event, digest, now, signature},
			},
			{`insert into outbox (case_id, case_seq, shard) values ($1, $2, $3)`, []any{id, seq, n % shards}},
			{`update cases set case_seq = $2, engine_seq = $2, receipt_head = $3 where id = $1`, []any{id, seq, digest}},
		} {
			if _, err := tx.Exec(ctx, s.text, s.args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write bare rows: %w", err)
	}
	r.seq[n] = seq
	return nil
}
