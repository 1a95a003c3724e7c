package assembly

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/broker/audit"
	"github.com/efa-broker/efa-broker/broker/casework"
	letters "github.com/efa-broker/efa-broker/broker/deadletter"
	"github.com/efa-broker/efa-broker/broker/delivery"
	"github.com/efa-broker/efa-broker/broker/ingress"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/data"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
)

// outboxPartitions is the number of partitions of an authority's own topic in a new event log: its answers are few.
const outboxPartitions = 1

// Of the topic that shows the clocks of the event log: several partitions, so that each broker leads one, and of their records
// the stamp is all that counts.
const (
	clockPartitions = 6
	clockKeep       = time.Hour
)

// OutboxKeys reads the keys of the authorities that speak Kafka: those of a file, or those that the product carries.
func OutboxKeys(path string) (seal.Ring, error) {
	if path == "" {
		file, err := data.Files.Open(data.AuthorityKeys)
		if err != nil {
			return nil, err
		}
		defer file.Close() //nolint:errcheck // it was only read
		return seal.ReadRing(file, data.AuthorityKeys)
	}
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, contracts.Errorf(contracts.Invalid, "read keys of authorities", "authority_keys: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	return seal.ReadRing(file, path)
}

// knows refuses keys of authorities that the register does not have.
func (b *Broker) knows(ctx context.Context, ring seal.Ring) error {
	known, err := b.Authorities(ctx)
	if err != nil {
		return err
	}
	for _, a := range ring.Authorities() {
		if !slices.ContainsFunc(known, func(k authority.Authority) bool { return k.ID == a }) {
			return contracts.Errorf(contracts.Invalid, "admit authorities that speak Kafka", "authority %s is not in the register", a)
		}
	}
	return nil
}

// openIngress makes what reads the topics of authorities. From now on deadlines wait for them.
func (b *Broker) openIngress(ctx context.Context) (err error) {
	d := b.domains
	b.ingress, err = ingress.New(ingress.Config{
		DB: b.stores.db, Ring: b.gate.Outboxes, Outboxes: outboxes{b.engines.Events}, Answers: answers{d.casework, d.delivery},
		Deadlines: d.casework, Principals: d.identity, Refusals: refusals{d.deadletter, d.audit}, Leases: b.leases,
		Operator: b.cfg.Operator, ClockOff: b.metrics.clockOff.Inc, Log: b.cfg.Log,
	})
	if err != nil {
		return err
	}
	return b.ingress.Declare(ctx)
}

// answers lets ingress answer as the HTTP API does.
type answers struct {
	casework *casework.Casework
	delivery *delivery.Delivery
}

// Complete gives the outcome of a task.
func (a answers) Complete(ctx context.Context, v actor.Viewer, r ingress.Receipt, c answer.Completed) (ingress.Effect, error) {
	refs := make([]content.Ref, len(c.Contents))
	for i, d := range c.Contents {
		refs[i] = content.Ref{Content: d.Content}
	}
	return a.casework.Completing(ctx, v, c.Task, casework.Answer{
		Received: r.Reception, Case: r.Case, Outcome: c.Outcome, Facts: c.Facts, Contents: refs,
	})
}

// Return answers that the authority is not competent.
func (a answers) Return(ctx context.Context, v actor.Viewer, r ingress.Receipt, c answer.Returned) (ingress.Effect, error) {
	return a.casework.Returning(ctx, v, c.Task, casework.Answer{Received: r.Reception, Case: r.Case})
}

// Accept answers that a delivery could be read.
func (a answers) Accept(ctx context.Context, v actor.Viewer, r ingress.Receipt, c answer.Accepted) (ingress.Effect, error) {
	return a.delivery.Answering(ctx, v, c.Delivery, delivery.Answer{Received: r.Reception, Case: r.Case})
}

// Reject answers that a delivery could not be read.
func (a answers) Reject(ctx context.Context, v actor.Viewer, r ingress.Receipt, c answer.Rejected) (ingress.Effect, error) {
	return a.delivery.Answering(ctx, v, c.Delivery, delivery.Answer{Received: r.Reception, Case: r.Case, Reason: c.Reason})
}

// refusals keeps refused records as dead letters and audit lines.
type refusals struct {
	letters *letters.DeadLetters
	audit   *audit.Log
}

// Refuse writes both in the transaction that deals with the record.
func (f refusals) Refuse(ctx context.Context, tx *sqlstore.Tx, r ingress.Record, why ingress.Refusal) error {
	id, err := f.letters.Refuse(ctx, tx, letters.Record{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Headers: lastOf(r.Headers), Value: r.Value,
	}, deadletter.Reason(why.Reason))
	if err != nil {
		return err
	}
	return f.audit.With(ctx, tx, audit.Line{Principal: why.Sender, Operation: answer.Topic(why.Authority), Kind: string(why.Reason), ErrorID: id})
}

// outboxes are the topics of authorities in the event log.
type outboxes struct{ log eventlog.Log }

// Ensure makes a topic exist.
func (o outboxes) Ensure(ctx context.Context, topic string) error {
	return o.log.EnsureStamped(ctx, topic, outboxPartitions, 0)
}

// Stamps reads the clocks of the event log, in a topic that is made when it is missing.
func (o outboxes) Stamps(ctx context.Context, now func() time.Time) ([]ingress.Stamp, error) {
	stamps, err := o.log.Stamps(ctx, answer.ClockTopic, now)
	if contracts.KindOf(err) == contracts.Unavailable {
		if err = o.log.EnsureStamped(ctx, answer.ClockTopic, clockPartitions, clockKeep); err == nil {
			stamps, err = o.log.Stamps(ctx, answer.ClockTopic, now)
		}
	}
	out := make([]ingress.Stamp, len(stamps))
	for i, s := range stamps {
		out[i] = ingress.Stamp(s)
	}
	return out, err
}

// Leaders are the brokers that stamp what is written to topics.
func (o outboxes) Leaders(ctx context.Context, topics ...string) ([]int, error) {
	return o.log.Leaders(ctx, topics...)
}

// Follow reads a topic.
func (o outboxes) Follow(ctx context.Context, topic string, from func(context.Context, int) (int64, error), handle func(context.Context, []ingress.Record) error) error {
	return o.log.Follow(ctx, topic, from, func(ctx context.Context, batch []eventlog.Record) error {
		records := make([]ingress.Record, len(batch))
		for i, r := range batch {
			headers := make([]cloudevent.Header, len(r.Headers))
			for j, h := range r.Headers {
				headers[j] = cloudevent.Header(h)
			}
			records[i] = ingress.Record{
				Record: cloudevent.Record{Key: r.Key, Headers: headers, Value: r.Value}, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
			}
		}
		return handle(ctx, records)
	})
}

// End is where a partition ends.
func (o outboxes) End(ctx context.Context, topic string, partition int) (int64, error) {
	bounds, err := o.log.Ends(ctx, topic)
	return boundOf(bounds, err, topic, partition)
}

// Before tells which records came before an instant.
func (o outboxes) Before(ctx context.Context, topic string, partition int, at time.Time) (int64, error) {
	bounds, err := o.log.Before(ctx, topic, at)
	return boundOf(bounds, err, topic, partition)
}

func boundOf(bounds []eventlog.Bound, err error, topic string, partition int) (int64, error) {
	if err != nil {
		return 0, err
	}
	for _, b := range bounds {
		if b.Partition == partition {
			return b.Offset, nil
		}
	}
	return 0, contracts.Errorf(contracts.Unavailable, "look at topic", "partition %d of %s is not known", partition, topic)
}
