// Package kafkalog is the event log on Apache Kafka, by way of segmentio/kafka-go, and the CloudEvents binding for its
// records. It is the only package that knows kafka-go.
//
// It owns how records are produced and consumed, not which ones: partitions by murmur2 of the key as Java clients choose
// them, acks=all, one produce request per partition at a time, retries of passing errors; consumer groups by their
// generations, fetching and committing itself, because kafka-go's Reader hides rebalances and lets a former owner rewind
// a group, and its Writer queues without bound while the broker is away.
//
// A Follow has the same functions for its partitions, without a group: the caller knows where to go on, and commits nothing
// here.
//
// kafka-go hides the append times of records that are read, and tells those of records that are written: Before asks for
// offsets by time, and Stamps writes a record to read a broker's clock.
//
//	state of a Consume      leaves it when
//	waiting for topics      metadata list every topic
//	joining                 a generation begins; broker errors are waited out
//	generation              a member comes or goes, a heartbeat or a commit fails: joining again
//	leaving                 the context has ended and every handle has returned
//
//	state of a partition    leaves it when
//	finding its offset      the committed one is known, else the first of the log
//	fetching                records arrive; errors are waited out, an offset outside the log starts at its beginning
//	delivering              handle returned nil
//	committing              the broker accepted the offset for this generation; a refusal ends the generation
package kafkalog
