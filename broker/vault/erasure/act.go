package erasure

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
)

func newAct(k act.Kind, tenant authority.TenantID, reason act.Reason, by actor.Actor, at time.Time) act.Act {
	return act.Act{ID: uuid.NewString(), Kind: k, Tenant: tenant, Reason: reason, Actor: by, At: at}
}

func ofCase(k act.Kind, caseID string, c caseRow, reason act.Reason, by actor.Actor, at time.Time) act.Act {
	a := newAct(k, c.tenant, reason, by, at)
	a.Case, a.Authority = caseID, c.lead
	return a
}

func write(ctx context.Context, tx *sqlstore.Tx, operator authority.OperatorID, a act.Act) error {
	by, err := json.Marshal(a.Actor)
	if err != nil {
		return contracts.Errorf(contracts.Internal, "encode actor", "%w", err)
	}
	if _, err := tx.Exec(ctx, `insert into privileged_acts (id, operator, kind, case_id, tenant, authority, reason, actor, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		a.ID, operator, a.Kind, a.Case, a.Tenant, a.Authority, a.Reason, string(by), a.At); err != nil {
		return contracts.Errorf(contracts.Unavailable, "write privileged act", "%w", err)
	}
	return nil
}

// Project notes an erasure, inside the ledger transaction.
func (e *Eraser) Project(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error {
	if r.Type != event.TypeCaseErased {
		return nil
	}
	d, err := event.Decode[event.CaseErased](r)
	if err != nil {
		return fmt.Errorf("decode %s: %w", r.Type, err)
	}
	if _, err := tx.Exec(ctx, `insert into erased_cases (case_id, operator, erasure_id, reason, erased_at) values ($1, $2, $3, $4, $5)`,
		r.Case, r.Operator, d.Erasure, d.Reason, r.Time); err != nil {
		return contracts.Errorf(contracts.Unavailable, "note erasure", "%w", err)
	}
	a := act.Act{ID: d.Erasure, Kind: act.Erase, Case: r.Case, Tenant: r.Tenant, Reason: act.Reason(d.Reason), Actor: r.Actor, At: r.Time}
	if err := tx.QueryRowContext(ctx, `select lead from cases where id = $1`, r.Case).Scan(&a.Authority); err != nil {
		return contracts.Errorf(contracts.Unavailable, "read lead authority", "%w", err)
	}
	return write(ctx, tx, r.Operator, a)
}

const selectActs = `select id, kind, case_id, tenant, authority, reason, actor, at from privileged_acts`

type scanner interface{ Scan(dest ...any) error }

func scanAct(row scanner) (act.Act, error) {
	var a act.Act
	var by string
	if err := row.Scan(&a.ID, &a.Kind, &a.Case, &a.Tenant, &a.Authority, &a.Reason, &by, &a.At); err != nil {
		return a, err
	}
	a.At = a.At.UTC()
	return a, json.Unmarshal([]byte(by), &a.Actor)
}

func readAct(ctx context.Context, q sqlstore.Querier, id string) (act.Act, error) {
	a, err := scanAct(q.QueryRowContext(ctx, selectActs+` where id = $1`, id))
	if err != nil {
		return a, contracts.Errorf(contracts.Unavailable, "read privileged act", "%w", err)
	}
	return a, nil
}

// Acts lists up to limit privileged acts that v may see behind the cursor after, oldest first: the operator sees all, an
// authority those on its cases and on the keys of its tenant. With a case it lists those on that case.
func (e *Eraser) Acts(ctx context.Context, v actor.Viewer, caseID, after string, limit int) ([]act.Act, string, error) {
	if err := e.gate.Collection(ctx, v, decision.ActList); err != nil {
		return nil, "", err
	}
	at, id, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	where, args := ` where operator = $1 and (at, id) > ($2, $3) and ($4 = '' or case_id = $4)`, []any{v.Operator, at, id, caseID}
	if v.Role != actor.OperatorAdmin {
		where += ` and (authority = $6 or case_id = '' and tenant = $7)`
		args = append(args, limit+1, v.Authority, v.Tenant)
	} else {
		args = append(args, limit+1)
	}
	var out []act.Act
	err = e.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		rows, err := q.QueryContext(ctx, selectActs+where+` order by at, id limit $5`, args...)
		if err != nil {
			return err
		}
		out, err = scanActs(rows)
		return err
	})
	if err != nil {
		return nil, "", contracts.Errorf(contracts.Unavailable, "list privileged acts", "%w", err)
	}
	if len(out) <= limit {
		return out, "", nil
	}
	last := out[limit-1]
	return out[:limit], last.At.Format(time.RFC3339Nano) + "_" + last.ID, nil
}

func scanActs(rows *sql.Rows) (out []act.Act, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = []act.Act{}
	for rows.Next() {
		a, err := scanAct(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

func parseCursor(s string) (time.Time, string, error) {
	if s == "" {
		return time.Time{}, "", nil
	}
	text, id, _ := strings.Cut(s, "_")
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, "", contracts.Refuse(contracts.Invalid, "read cursor", contracts.Problem{
			Pointer: "after", Detail: `want the "next" of the page before, unchanged`,
		})
	}
	return at.UTC(), id, nil
}
