package world

import (
	"context"
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
)

// unused refuses a ledger that a broker has ever worked on. It changes nothing.
func unused(ctx context.Context, cfg Config) (err error) {
	db, err := sqlstore.Open(ctx, sqlstore.Config{URL: cfg.LedgerURL, Migrated: true})
	if err != nil {
		return fmt.Errorf("look at the ledger: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var n int
	err = db.Read().QueryRowContext(ctx, `select (select count(*) from tenants) + (select count(*) from cases) + (select count(*) from principals)`).Scan(&n)
	if err != nil {
		return fmt.Errorf("look at the ledger: %w", err)
	}
	if n > 0 {
		return contracts.Errorf(contracts.Conflict, "benchmark", "the ledger is in use; want new databases, to which only efabroker migrate was applied")
	}
	return nil
}

// Settle puts behind it what an earlier figure left: its events count as published and handled, its cases as ended. So
// what comes next is measured alone.
func (w *World) Settle(ctx context.Context) error {
	err := w.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		if _, err := tx.Exec(ctx, `update outbox set published_at = $1 where published_at is null`, tx.Now()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update cases set state = 'closed', closed_at = $1 where state <> 'closed'`, tx.Now()); err != nil {
			return err
		}
		for _, consumer := range []string{"efa.starter", "efa.delivery"} {
			if _, err := tx.Exec(ctx, `insert into consumer_positions (consumer, case_id, case_seq) select $1, id, case_seq from cases where true
				on conflict (consumer, case_id) do update set case_seq = excluded.case_seq`, consumer); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return nil
}

// Unpublished counts the events that the relay has still to publish.
func (w *World) Unpublished(ctx context.Context) (n int, err error) {
	if err := w.DB.Read().QueryRowContext(ctx, `select count(*) from outbox where published_at is null`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count unpublished events: %w", err)
	}
	return n, nil
}

// Undelivered counts the cases with events that delivery has still to handle.
func (w *World) Undelivered(ctx context.Context) (n int, err error) {
	err = w.DB.Read().QueryRowContext(ctx, `select count(*) from cases c left join consumer_positions p on p.case_id = c.id and p.consumer = 'efa.delivery'
		where coalesce(p.case_seq, 0) < c.case_seq`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count undelivered cases: %w", err)
	}
	return n, nil
}

// Behind counts what is still to be published and delivered.
func (w *World) Behind(ctx context.Context) (int, error) {
	unpublished, err := w.Unpublished(ctx)
	if err != nil {
		return 0, err
	}
	undelivered, err := w.Undelivered(ctx)
	return unpublished + undelivered, err
}
