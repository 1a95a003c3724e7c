package casework

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Load reads what a process needs to know of its case, with the results of the steps it has taken.
func (c *Casework) Load(ctx context.Context, caseID string) (engine.Case, error) {
	q := c.cfg.DB.Read()
	out := engine.Case{ID: caseID}
	var facts, parties string
	var state procedure.State
	err := q.QueryRowContext(ctx, `select service, definition, procedure_kind, received_at, facts, parties, state from cases where id = $1`, caseID).
		Scan(&out.Service, &out.Definition, &out.Kind, &out.ReceivedAt, &facts, &parties, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return out, contracts.Errorf(contracts.NotFound, "load case", "no case %s", caseID)
	}
	if err != nil {
		return out, fmt.Errorf("load case %s: %w", caseID, err)
	}
	out.ReceivedAt = out.ReceivedAt.UTC()
	out.Open = state.Open()
	if err := json.Unmarshal([]byte(facts), &out.Facts); err != nil {
		return out, fmt.Errorf("decode facts of case %s: %w", caseID, err)
	}
	if err := json.Unmarshal([]byte(parties), &out.Parties); err != nil {
		return out, fmt.Errorf("decode parties of case %s: %w", caseID, err)
	}
	out.Steps, err = c.cfg.Ledger.Results(ctx, q, caseID)
	return out, err
}

// idOfTask names the task of one pass of one step.
func idOfTask(k engine.StepKey) string { return k.Case + "." + k.Step + "." + strconv.Itoa(k.Pass) }

// eventID names the n-th event of one pass of one step.
func eventID(k engine.StepKey, n int) string {
	return k.Case + "/" + k.Step + "/" + strconv.Itoa(k.Pass) + "/" + strconv.Itoa(n)
}

// Assign gives a task to an authority, if the policy allows that it learns of the case, with the deadline of the law
// record that the step names. A step that is taken already asks nothing again.
func (c *Casework) Assign(ctx context.Context, cmd engine.Assign) (engine.Result, error) {
	if done, ok, err := c.taken(ctx, cmd.StepKey); err != nil || ok {
		return done, err
	}
	opening, tenant, err := opening(ctx, c.cfg.DB.Read(), cmd.Case)
	if err != nil {
		return engine.Result{}, err
	}
	record, err := c.cfg.Catalogue.Deadline(ctx, opening.definition, cmd.Law)
	if err != nil {
		return engine.Result{}, fmt.Errorf("find deadline %s: %w", cmd.Law, err)
	}
	decided, err := c.cfg.Routing.Route(ctx, cmd)
	if err != nil {
		return engine.Result{}, fmt.Errorf("decide whether %s may learn of the task: %w", cmd.Authority, err)
	}
	return c.cfg.Ledger.Step(ctx, cmd.Command, func(tx *sqlstore.Tx) (engine.Result, error) {
		if err := decided(ctx, tx); err != nil {
			return engine.Result{}, err
		}
		deadline := record.For(cmd.Start)
		deadline.Due = c.cfg.Due(record, cmd.Start)
		id := idOfTask(cmd.StepKey)
		_, err := c.cfg.Ledger.Append(ctx, tx, event.Draft{
			ID: eventID(cmd.StepKey, 1), Source: c.source(), Type: event.TypeTaskAssigned, Case: cmd.Case, Tenant: tenant, Actor: engineActor(),
			Data: event.TaskAssigned{
				Task: id, Step: cmd.Step, Pass: cmd.Pass, Role: cmd.Role, Authority: cmd.Authority, Outcomes: cmd.Outcomes,
				OutcomeFacts: cmd.OutcomeFacts, Opens: cmd.Opens, Deadline: deadline, Purpose: cmd.Purpose, Basis: cmd.Basis, Contents: opening.contents,
			},
		})
		return engine.Result{Task: id, Due: deadline.Due, SilenceEffect: deadline.SilenceEffect}, err
	})
}

// taken finds the result of a step that the ledger keeps already.
func (c *Casework) taken(ctx context.Context, k engine.StepKey) (engine.Result, bool, error) {
	results, err := c.cfg.Ledger.Results(ctx, c.cfg.DB.Read(), k.Case)
	if err != nil {
		return engine.Result{}, false, err
	}
	i := slices.IndexFunc(results, func(r engine.Result) bool { return r.Step == k.Step && r.Pass == k.Pass })
	if i < 0 {
		return engine.Result{}, false, nil
	}
	return results[i], true, nil
}

// stepOf is the step of the definition to which a path of results belongs: "register" of "register/attention".
func stepOf(k engine.StepKey) string {
	step, _, _ := strings.Cut(k.Step, "/")
	return step
}

// Move brings a case into its next procedural state, or marks that it waits for a person.
func (c *Casework) Move(ctx context.Context, cmd engine.Move) (engine.Result, error) {
	return c.cfg.Ledger.Step(ctx, cmd.Command, func(tx *sqlstore.Tx) (engine.Result, error) {
		_, tenant, err := opening(ctx, tx, cmd.Case)
		if err != nil {
			return engine.Result{}, err
		}
		d := event.Draft{ID: eventID(cmd.StepKey, 1), Source: c.source(), Case: cmd.Case, Tenant: tenant, Actor: engineActor()}
		switch {
		case cmd.Attention != "":
			d.Type, d.Data = event.TypeCaseEscalated, event.CaseEscalated{Step: stepOf(cmd.StepKey), Pass: cmd.Pass, Reason: cmd.Attention}
		case cmd.State == procedure.Acknowledged:
			d.Type, d.Data = event.TypeCaseAcknowledged, event.CaseAcknowledged{Step: cmd.Step, Pass: cmd.Pass}
		case cmd.State == procedure.Closed:
			n, err := announcements(ctx, tx, cmd.Case)
			if err != nil {
				return engine.Result{}, err
			}
			d.Type, d.Data = event.TypeCaseClosed, event.CaseClosed{Step: cmd.Step, Pass: cmd.Pass, Announcements: n}
		default:
			return engine.Result{}, contracts.Errorf(contracts.Invalid, "move case", "no way to state %q", cmd.State)
		}
		_, err = c.cfg.Ledger.Append(ctx, tx, d)
		return engine.Result{}, err
	})
}

// openingEvent is what the first event of a case says about it.
type openingEvent struct {
	contents   []content.Ref
	definition string
}

func opening(ctx context.Context, q sqlstore.Querier, caseID string) (openingEvent, authority.TenantID, error) {
	var o openingEvent
	var data string
	var tenant authority.TenantID
	err := q.QueryRowContext(ctx, `select data, tenant from events where case_id = $1 and case_seq = 1`, caseID).Scan(&data, &tenant)
	if err != nil {
		return o, "", fmt.Errorf("read opening of case %s: %w", caseID, err)
	}
	submitted, err := event.Decode[event.CaseSubmitted](event.Recorded{Data: json.RawMessage(data)})
	if err != nil {
		return o, "", fmt.Errorf("decode opening of case %s: %w", caseID, err)
	}
	o.contents, o.definition = submitted.Contents, submitted.Definition
	return o, tenant, nil
}

func announcements(ctx context.Context, q sqlstore.Querier, caseID string) (int, error) {
	var n int
	if err := q.QueryRowContext(ctx, `select announcements from cases where id = $1`, caseID).Scan(&n); err != nil {
		return 0, fmt.Errorf("count announcements: %w", err)
	}
	return n, nil
}
