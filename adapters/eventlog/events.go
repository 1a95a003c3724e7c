package eventlog

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts/event"
)

// Events is a Log seen by those who know events and no records: the relay publishes through it, the starter and
// delivery consume from it.
type Events struct {
	// Log carries the records on event.Topic, which exists already.
	Log Log
	// Park puts a record that Decode refuses aside durably, with the reason. An error hands the record over again; so
	// does a nil Park, which stops the partition at the record and loses nothing.
	Park func(ctx context.Context, rec Record, reason error) error
}

// Publish encodes the events and publishes them in this order; see Publisher.
func (e Events) Publish(ctx context.Context, events ...event.Recorded) error {
	records := make([]Record, len(events))
	for i, recorded := range events {
		rec, err := Encode(recorded)
		if err != nil {
			return err
		}
		records[i] = rec
	}
	return e.Log.Publish(ctx, records...)
}

// Consume hands over the events of all cases, those of one case in order; see Consumer. The handler drops sequences
// that it has already seen.
func (e Events) Consume(ctx context.Context, group string, handle func(ctx context.Context, events []event.Recorded) error) error {
	return e.Log.Consume(ctx, group, []string{event.Topic}, func(ctx context.Context, batch []Record) error {
		return e.handOver(ctx, batch, handle)
	})
}

// handOver decodes the batch. A record that cannot be decoded is parked after everything before it was handled.
func (e Events) handOver(ctx context.Context, batch []Record, handle func(context.Context, []event.Recorded) error) error {
	events := make([]event.Recorded, 0, len(batch))
	flush := func() error {
		if len(events) == 0 {
			return nil
		}
		handed := events
		events = nil
		return handle(ctx, handed)
	}
	for _, rec := range batch {
		recorded, reason := Decode(rec)
		if reason == nil {
			events = append(events, recorded)
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		if e.Park == nil {
			return reason
		}
		if err := e.Park(ctx, rec, reason); err != nil {
			return err
		}
	}
	return flush()
}
