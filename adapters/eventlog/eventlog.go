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

// Follower reads topics from positions that the caller keeps itself, for whoever writes the position together with what
// follows from the records. There is no group: the caller sees to it that one at a time follows.
type Follower interface {
	// Follow hands over all records of a topic, each partition's from the offset that from tells, at least once and in order,
	// until the context ends; then it returns nil. Partitions are followed at the same time, for one partition one handle runs
	// at a time. When from or handle return an error they are called again after a pause, for ever; nothing is dropped or
	// overtaken. A negative offset is the first of the partition.
	//
	// An offset that the partition does not hold, behind its end or before its beginning, is told to the log and the
	// partition is read from its beginning: the topic was lost and has begun anew, or the records are gone. So handle may get
	// offsets below those that it has had, and drops what it has seen by other means.
	//
	// A topic that does not exist yet is waited for, and so is a broker that does not answer. The only errors are Invalid
	// arguments and a closed log.
	Follow(ctx context.Context, topic string, from func(ctx context.Context, partition int) (int64, error), handle Handler) error
}

// Bound is the offset behind some of the first records of a partition.
type Bound struct {
	Partition int
	Offset    int64
}

// Stamp is what a broker's clock showed.
type Stamp struct {
	// Broker is the number of the broker in its cluster.
	Broker int
	// Time is the stamp, in whole milliseconds, cut off and not rounded.
	Time time.Time
	// Sent and Answered are the caller's clock before the record was sent and after the broker had answered.
	Sent, Answered time.Time
}

// Stamper knows when the broker appended records, whatever time their publishers wrote on them.
type Stamper interface {
	// EnsureStamped is EnsureTopic for a topic whose records the broker stamps. A new one keeps its records for at least keep;
	// zero is for ever. It is Conflict when the topic exists and is not stamped. A log that stamps nothing makes a plain topic.
	EnsureStamped(ctx context.Context, name string, partitions int, keep time.Duration) error
	// Before tells for each partition, ascending, the offset behind the records that were appended before at, an instant that
	// has passed by the broker's clock. It is Unsupported for a topic that is not stamped.
	Before(ctx context.Context, topic string, at time.Time) ([]Bound, error)
	// Stamps appends one record to the topic by each broker that leads a partition of it, and tells what time each says that
	// it was, between two readings of the caller's clock. The topic is for nothing else. It is Unsupported when the log stamps
	// nothing, and repeats nothing: an answer that was waited for says little.
	Stamps(ctx context.Context, topic string, now func() time.Time) ([]Stamp, error)
	// Leaders are the brokers that lead a partition of one of the topics, ascending: those that stamp what is written there. A
	// topic that does not exist has none.
	Leaders(ctx context.Context, topics ...string) ([]int, error)
}

// Reader reads topics: as a member of a group, or from positions of its own.
type Reader interface {
	Consumer
	Follower
}

// Topics makes topics exist.
type Topics interface {
	Stamper
	// EnsureTopic makes the topic exist. A new one gets that many partitions; one that exists is left as it is, because
	// another number of partitions would break the order per key.
	EnsureTopic(ctx context.Context, name string, partitions int) error
}

// Log is a client of one event log. All methods may be called by many goroutines.
type Log interface {
	Publisher
	Reader
	Inspector
	Topics
	// Ping asks the broker for a sign of life.
	Ping(ctx context.Context) error
	// Close frees what the client holds. The caller ends every Consume, Follow and Publish first; later calls fail as
	// Unavailable.
	Close() error
}
