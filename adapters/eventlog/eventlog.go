package eventlog

import (
	"context"
	"time"
)

// Header is one header of a record. Keys are lower case; a key may repeat, then the last one counts. An empty value may
// be read back as nil.
type Header struct {
	Key   string
	Value []byte
}

// Record is one entry of a topic.
type Record struct {
	// Topic is where the record belongs: letters, digits, dot, dash and underscore, at most 249 of them.
	Topic string
	// Key decides the partition. Records with the same key keep their order; it must not be empty.
	Key string
	// Headers travel in this order.
	Headers []Header
	// Value must not be empty: no implementation promises to tell an empty value from a missing one.
	Value []byte
	// Partition and Offset say where the record lies. Publish ignores them, Consume sets them.
	Partition int
	Offset    int64
	// Time is the publisher's time in milliseconds, UTC. Publish sets it when it is zero.
	Time time.Time
}

// Publisher writes records.
type Publisher interface {
	// Publish returns nil when every record is acknowledged by all replicas that the broker asks for. Every error means
	// "unknown": none, some or all of the records may have been written, and may still be written later. Publish retries
	// passing faults itself, which may repeat records. Records of one call, and of consecutive calls by one caller, keep
	// their order per key. A record that Validate refuses is returned as Invalid or TooLarge before anything is sent.
	Publish(ctx context.Context, records ...Record) error
}

// Handler takes a batch: at least one record, all of one topic and partition, in order of offset. It must return soon
// after its context ends, and it must stand repeats: a batch, or its beginning, may come again after an error, a
// rebalance or a restart, for a moment even while another member of the group still works on it.
type Handler func(ctx context.Context, batch []Record) error

// Consumer reads records as a member of a group.
type Consumer interface {
	// Consume joins the group and hands over all records of the topics, from the first one that the group has not yet
	// committed, at least once, until the context ends; then it leaves the group and returns nil. The partitions are
	// divided among the members of the group. For one partition one handle runs at a time, for different partitions they
	// run at the same time.
	//
	// An offset is committed only after handle returned nil. When handle returns an error, the same batch is handed over
	// again after a pause, for ever: nothing is ever dropped or overtaken. A handler that cannot use a record must put it
	// aside durably and return nil.
	//
	// A rebalance ends the context of every running handle; the partition's next owner starts at the committed offset.
	// A topic that does not exist yet is waited for, and so is a broker that does not answer. The only errors are
	// Invalid arguments.
	Consume(ctx context.Context, group string, topics []string, handle Handler) error
}

// Log is a client of one event log. All methods may be called by many goroutines.
type Log interface {
	Publisher
	Consumer
	Inspector
	// EnsureTopic makes the topic exist. A new one gets that many partitions; one that exists is left as it is, because
	// another number of partitions would break the order per key.
	EnsureTopic(ctx context.Context, name string, partitions int) error
	// Ping asks the broker for a sign of life.
	Ping(ctx context.Context) error
	// Close frees what the client holds. The caller ends every Consume and Publish first; later calls fail as
	// Unavailable.
	Close() error
}
