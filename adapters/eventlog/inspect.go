package eventlog

import (
	"context"

	"github.com/efa-broker/efa-broker/contracts/event"
)

// Inspector looks at topics and groups from outside, without taking part in them.
type Inspector interface {
	// Progress tells for each partition of the topic, ascending, what it holds and how far the group has come.
	Progress(ctx context.Context, group, topic string) ([]event.Progress, error)
	// Ends tells for each partition of the topic, ascending, the offset that its next record will have.
	Ends(ctx context.Context, topic string) ([]Bound, error)
	// Route tells the partition of each key.
	Route(ctx context.Context, topic string, keys ...string) ([]int, error)
	// Scan hands over every record that the topic holds at this moment, those of one partition in order of offset. The
	// first error of visit ends it. Nothing is committed.
	Scan(ctx context.Context, topic string, visit func(Record) error) error
}

// Progress tells how far a consumer of all cases has come; see Inspector.
func (e Events) Progress(ctx context.Context, consumer string) ([]event.Progress, error) {
	return e.Log.Progress(ctx, consumer, event.Topic)
}

// Route tells the partition of each case; see Inspector.
func (e Events) Route(ctx context.Context, cases ...string) ([]int, error) {
	return e.Log.Route(ctx, event.Topic, cases...)
}

// Scan hands over everything that the log holds of all cases at this moment, with its partition: an event, or the reason
// why a record is none; see Inspector.
func (e Events) Scan(ctx context.Context, visit func(partition int, recorded event.Recorded, reason error) error) error {
	return e.Log.Scan(ctx, event.Topic, func(r Record) error {
		recorded, reason := Decode(r)
		return visit(r.Partition, recorded, reason)
	})
}
