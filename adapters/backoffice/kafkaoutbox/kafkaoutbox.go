package kafkaoutbox

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
)

// Config says who answers, and to whom.
type Config struct {
	// Port is the other side: inbox, fetching, storing, filing.
	Port backoffice.Port
	// Log is a client of the event log that may write to the authority's topic.
	Log eventlog.Publisher
	// Authority is the office that answers.
	Authority authority.ID
	// Operator is the broker that is meant.
	Operator authority.OperatorID
	// Signer has the key that is registered for the authority.
	Signer seal.Signer
	// Structured writes each event as one JSON document. Defaults to binary mode.
	Structured bool
}

// Outbox is the port.
type Outbox struct {
	backoffice.Port
	cfg Config

	mu    sync.Mutex
	cases map[string]string // delivery → case, of items that were read and not confirmed
}

var _ backoffice.Port = (*Outbox)(nil)

// Open returns the port. It sends nothing yet. It is Invalid for an incomplete config.
func Open(cfg Config) (*Outbox, error) {
	if cfg.Port == nil || cfg.Log == nil || cfg.Authority == "" || cfg.Operator == "" || cfg.Signer.Private == nil || cfg.Signer.KeyID == "" {
		return nil, contracts.Errorf(contracts.Invalid, "open outbox", "want port, log, authority, operator and a key with its id")
	}
	return &Outbox{Port: cfg.Port, cfg: cfg, cases: map[string]string{}}, nil
}

// Next implements backoffice.Port.
func (o *Outbox) Next(ctx context.Context, cursor string) ([]delivery.Item, string, error) {
	items, next, err := o.Port.Next(ctx, cursor)
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, it := range items {
		o.cases[it.ID] = it.Case
	}
	return items, next, err
}

// Answer implements backoffice.Port.
func (o *Outbox) Answer(ctx context.Context, task string, outcome backoffice.Outcome) error {
	caseID, _, ok := strings.Cut(task, ".")
	if !ok {
		return contracts.Errorf(contracts.Invalid, "answer task", "the task's id names no case")
	}
	if outcome.Code == backoffice.NotCompetent().Code {
		return o.send(ctx, answer.TypeReturned, "task/"+task, caseID, answer.Returned{Task: task})
	}
	data := answer.Completed{Task: task, Outcome: outcome.Code, Facts: outcome.Facts}
	for _, ref := range outcome.Contents {
		data.Contents = append(data.Contents, answer.Document{Content: ref.Content})
	}
	return o.send(ctx, answer.TypeCompleted, "task/"+task, caseID, data)
}

// Confirm implements backoffice.Port, for a delivery that Next has returned.
func (o *Outbox) Confirm(ctx context.Context, deliveryID string, why delivery.Rejection) error {
	o.mu.Lock()
	caseID, known := o.cases[deliveryID]
	o.mu.Unlock()
	if !known {
		return contracts.Errorf(contracts.NotFound, "answer delivery", "the inbox has not brought it")
	}
	var err error
	if why == "" {
		err = o.send(ctx, answer.TypeAccepted, "delivery/"+deliveryID, caseID, answer.Accepted{Delivery: deliveryID})
	} else {
		err = o.send(ctx, answer.TypeRejected, "delivery/"+deliveryID, caseID, answer.Rejected{Delivery: deliveryID, Reason: why})
	}
	if err == nil {
		o.mu.Lock()
		delete(o.cases, deliveryID)
		o.mu.Unlock()
	}
	return err
}

func (o *Outbox) send(ctx context.Context, typ, id, caseID string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return contracts.Errorf(contracts.Invalid, "encode answer", "%w", err)
	}
	record, err := o.Record(cloudevent.Event{
		ID: id, Source: answer.Source(o.cfg.Authority), Type: typ, Subject: caseID, DataContentType: "application/json", Data: raw,
		Extensions: map[string]string{answer.ExtOperator: string(o.cfg.Operator), event.ExtPartitionKey: caseID},
	})
	if err != nil {
		return err
	}
	return o.cfg.Log.Publish(ctx, record)
}

// Record seals an event and makes the record of the authority's topic that carries it.
func (o *Outbox) Record(e cloudevent.Event) (eventlog.Record, error) {
	if err := o.cfg.Signer.Seal(&e); err != nil {
		return eventlog.Record{}, err
	}
	r := e.Binary()
	if o.cfg.Structured {
		r = e.Structured()
	}
	out := eventlog.Record{Topic: answer.Topic(o.cfg.Authority), Key: e.Subject, Value: r.Value}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, eventlog.Header(h))
	}
	return out, nil
}
