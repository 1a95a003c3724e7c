package demo

import (
	"context"
	"encoding/json"
	"time"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// gewa3 is the service whose notice a trade office draws up for a business that moved away.
const gewa3 key.ServiceKey = "99050012070000"

// tradeOffice is a trade office: it certifies registrations, and deregisters what moved away.
type tradeOffice struct {
	recipient
	register  []Entry
	reference func(task string) string
	now       func() time.Time
}

var _ backoffice.Handler = (*tradeOffice)(nil)

// Task does one of the two things that the processes ask of a trade office.
func (o *tradeOffice) Task(ctx context.Context, port backoffice.Port, item delivery.Item) error {
	switch item.Opens {
	case "":
		return o.certify(ctx, port, item)
	case gewa3:
		return o.deregister(ctx, port, item)
	}
	return contracts.Errorf(contracts.Unsupported, "handle task", "this office cannot draw up a notice of service %s", item.Opens)
}

// certify registers the notice and certifies its receipt (GewO § 15(1)).
func (o *tradeOffice) certify(ctx context.Context, port backoffice.Port, item delivery.Item) error {
	if _, err := o.receive(ctx, port, item); err != nil {
		return err
	}
	doc, err := certificate(o.authority, item, o.reference(item.Task), o.today())
	if err != nil {
		return err
	}
	ref, err := port.Store(ctx, doc)
	if err != nil {
		return err
	}
	outcome, err := outcomeOf(item)
	if err != nil {
		return err
	}
	outcome.Facts = fact.Values{"indications_of_violation": false}
	outcome.Contents = append(outcome.Contents, ref)
	return port.Answer(ctx, item.Task, outcome)
}

// deregister draws up GewA3 from the forwarded notice and the own register and files it; the filing completes the task.
// The submission id is that of the task, so that a repeat opens no second case.
func (o *tradeOffice) deregister(ctx context.Context, port backoffice.Port, item delivery.Item) error {
	forms, err := o.receive(ctx, port, item)
	if err != nil {
		return err
	}
	var n notice
	if err := json.Unmarshal(forms[0].Body, &n); err != nil {
		return &backoffice.UnreadableError{Reason: delivery.Undecodable}
	}
	who, err := n.identity()
	if err != nil {
		return contracts.Errorf(contracts.Invalid, "draw up deregistration", "%w", err)
	}
	entry, known := find(o.register, who)
	if !known {
		return port.Answer(ctx, item.Task, backoffice.NotCompetent())
	}
	region, err := n.region()
	if err != nil {
		return contracts.Errorf(contracts.Invalid, "draw up deregistration", "%w", err)
	}
	application, err := drawUp(n, entry, o.today())
	if err != nil {
		return contracts.Errorf(contracts.Invalid, "draw up deregistration", "%w", err)
	}
	outcome, err := outcomeOf(item)
	if err != nil {
		return err
	}
	_, err = port.Submit(ctx, backoffice.Submission{
		ID: item.Task, Service: item.Opens, Region: region, Application: application,
		Completes: &backoffice.Completes{Case: item.Case, Task: item.Task, Outcome: outcome.Code},
	})
	return err
}

// outcomeOf is the first outcome that the definition allows: in the processes of the demo, that it was done.
func outcomeOf(item delivery.Item) (backoffice.Outcome, error) {
	if len(item.Outcomes) == 0 {
		return backoffice.Outcome{}, contracts.Errorf(contracts.Unsupported, "answer task", "the task allows no outcome")
	}
	return backoffice.Outcome{Code: item.Outcomes[0]}, nil
}

// today is the calendar day in Germany.
func (o *tradeOffice) today() time.Time { return o.now().In(germany()) }
