package erasure

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

func checkReason(k act.Kind, r act.Reason) error {
	if r.Fits(k) {
		return nil
	}
	return contracts.Refuse(contracts.Invalid, "check reason", contracts.Problem{
		Pointer: "/reason", Detail: "no reason for this act; the contract lists the allowed codes",
	})
}

// conflict refuses an act and tells the operator why: only the state of the case and codes stand in it.
func conflict(op, format string, args ...any) error {
	return contracts.Refuse(contracts.Conflict, op, contracts.Problem{Detail: fmt.Sprintf(format, args...)})
}

// caseRow is what erasing and holding must know of a case.
type caseRow struct {
	tenant  authority.TenantID
	lead    authority.ID
	pkg     string
	state   procedure.State
	closed  sql.NullTime
	erasing bool
}

// lock reads a case and locks its row, against releases and holds. A case whose erasure has begun counts as erased, whatever its row says.
func (e *Eraser) lock(ctx context.Context, tx *sqlstore.Tx, caseID string) (caseRow, error) {
	var c caseRow
	err := tx.QueryRowContext(ctx, `select tenant, lead, package, state, closed_at from cases where id = $1 and operator = $2`+tx.ForUpdate(),
		caseID, e.cfg.Operator).Scan(&c.tenant, &c.lead, &c.pkg, &c.state, &c.closed)
	if errors.Is(err, sql.ErrNoRows) {
		return c, contracts.Errorf(contracts.NotFound, "read case", "no such case")
	}
	if err != nil {
		return c, contracts.Errorf(contracts.Unavailable, "read case", "%w", err)
	}
	_, c.erasing, err = e.journal.find(caseID)
	return c, err
}

// lockPeople takes the people of a case before the case itself, ids ascending, as every release does (DESIGN law 4).
func lockPeople(ctx context.Context, tx *sqlstore.Tx, caseID string) (err error) {
	const op = "lock people"
	rows, err := tx.QueryContext(ctx, `select id from subjects where id in (select subject from case_subjects where case_id = $1) order by id`+tx.ForUpdate(), caseID)
	if err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() { // reading a row locks it
	}
	if err := rows.Err(); err != nil {
		return contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return nil
}

// erasable refuses a case that is open, held or within its retention.
func (e *Eraser) erasable(ctx context.Context, tx *sqlstore.Tx, caseID string) (authority.TenantID, error) {
	const op = "check case"
	if err := lockPeople(ctx, tx, caseID); err != nil {
		return "", err
	}
	c, err := e.lock(ctx, tx, caseID)
	if err != nil {
		return "", err
	}
	if c.state.Open() || !c.closed.Valid {
		return "", conflict(op, "the case is %s; only a closed case is erased", c.state)
	}
	p, err := e.cfg.Packages.ByHash(ctx, c.pkg)
	if err != nil {
		return "", &contracts.Error{Kind: contracts.Conflict, Op: op, Err: err, Problems: []contracts.Problem{
			{Detail: "this program does not know the case's service package, so its retention is not known"},
		}}
	}
	if ends := p.Retention.Ends(c.closed.Time.UTC()); tx.Now().Before(ends) {
		return "", conflict(op, "the content is kept until %s (%s after the end of the case)", ends.Format(time.RFC3339), p.Retention.Period)
	}
	var reason string
	err = tx.QueryRowContext(ctx, `select reason from case_holds where case_id = $1`, caseID).Scan(&reason)
	if err == nil {
		return "", conflict(op, "the case is held for the reason %s; lift the hold first", reason)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return "", contracts.Errorf(contracts.Unavailable, op, "%w", err)
	}
	return c.tenant, nil
}

// onlyHere lists the people of a case whom no other case names that is not erased.
func onlyHere(ctx context.Context, tx *sqlstore.Tx, caseID string) (out []string, err error) {
	out, err = sqlstore.Texts[string](ctx, tx, `select distinct s.subject from case_subjects s where s.case_id = $1 and not exists (
		select 1 from case_subjects o where o.subject = s.subject and o.case_id <> $1
			and not exists (select 1 from erased_cases e where e.case_id = o.case_id)) order by s.subject`, caseID)
	if err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "list subjects", "%w", err)
	}
	return append([]string{}, out...), nil // a list in the journal, also when it is empty
}
