package sqlstoretest

import (
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// Exec runs a statement in a transaction of its own.
func Exec(tb testing.TB, db *sqlstore.DB, statement string, args ...any) {
	tb.Helper()
	err := db.Write(tb.Context(), func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(tb.Context(), statement, args...)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// Case is a case row as the ledger opens it.
type Case struct {
	ID, Operator, Tenant, Lead, Submitter, State string
}

// InsertCase writes a case; empty members get a value that fits.
func InsertCase(tb testing.TB, db *sqlstore.DB, c Case) {
	tb.Helper()
	or := func(s, fallback string) string {
		if s == "" {
			return fallback
		}
		return s
	}
	Exec(tb, db, `insert into cases (id, operator, tenant, service, package, definition, procedure_kind, lead, state, attention, submitter, facts,
		parties, case_seq, engine_seq, receipt_head, announcements, received_at)
		values ($1, $2, $3, '99050012104000', 'p', 'd', 'notification', $4, $5, '', $6, '{}', '[]', 0, 0, '', 0, $7)`,
		c.ID, or(c.Operator, "bayern"), or(c.Tenant, "muenchen"), or(c.Lead, "gewerbeamt-muenchen"), or(c.State, "received"),
		or(c.Submitter, "portal-bayern"), time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
}

// DeadLetter is a row of dead_letters.
type DeadLetter struct {
	ID, Consumer, Case, State string
}

// InsertDeadLetter writes a letter about the first event of a case.
func InsertDeadLetter(tb testing.TB, db *sqlstore.DB, l DeadLetter) {
	tb.Helper()
	Exec(tb, db, `insert into dead_letters (id, operator, state, reason, consumer, case_id, case_seq, event_id, type, topic, log_part, log_offset,
		size, digest, spec_version, media_type, times, first_at, last_at, resent_by, resent_why)
		values ($1, 'bayern', $2, 'panic', $3, $4, 1, 'e', '', 'efa.cases', -1, -1, 0, '', '', '', 1, $5, $5, '', '')`,
		l.ID, l.State, l.Consumer, l.Case, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
}
