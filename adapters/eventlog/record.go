package eventlog

import (
	"context"
	"regexp"
	"slices"

	"github.com/efa-broker/efa-broker/contracts"
)

// MaxRecordBytes is the largest Record.Size: a Kafka with default settings accepts 1,048,588 bytes per batch.
const MaxRecordBytes = 900 << 10

// Every record costs a broker at most this much beside its key, headers and value.
const recordOverhead = 64

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// CheckTopic refuses a topic name that some broker would refuse, as Invalid.
func CheckTopic(name string) error {
	if !topicName.MatchString(name) || name == "." || name == ".." {
		return contracts.Errorf(contracts.Invalid, "check topic", "name must match %s", topicName)
	}
	return nil
}

// CheckConsume refuses arguments with which Consume can never work, as Invalid.
func CheckConsume(group string, topics []string, handle Handler) error {
	switch {
	case group == "":
		return contracts.Errorf(contracts.Invalid, "consume", "group must not be empty")
	case len(topics) == 0:
		return contracts.Errorf(contracts.Invalid, "consume", "there must be at least one topic")
	case handle == nil:
		return contracts.Errorf(contracts.Invalid, "consume", "handle must not be nil")
	}
	for i, t := range topics {
		if err := CheckTopic(t); err != nil {
			return err
		}
		if slices.Contains(topics[:i], t) {
			return contracts.Errorf(contracts.Invalid, "consume", "topic %s is named twice", t)
		}
	}
	return nil
}

// CheckFollow refuses arguments with which Follow can never work, as Invalid.
func CheckFollow(topic string, from func(ctx context.Context, partition int) (int64, error), handle Handler) error {
	if from == nil || handle == nil {
		return contracts.Errorf(contracts.Invalid, "follow topic", "from and handle must not be nil")
	}
	return CheckTopic(topic)
}

// Header returns the value of the last header with the key.
func (r Record) Header(key string) ([]byte, bool) {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == key {
			return h.Value, true
		}
	}
	return nil, false
}

// Size is the number of bytes that the record needs, with a margin for the broker's own framing.
func (r Record) Size() int {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// Validate refuses a record that cannot be published: Invalid, or TooLarge above MaxRecordBytes. It never repeats what
// the record holds.
func (r Record) Validate() error {
	if err := CheckTopic(r.Topic); err != nil {
		return err
	}
	switch {
	case r.Key == "":
		return contracts.Errorf(contracts.Invalid, "publish record", "key must not be empty")
	case len(r.Value) == 0:
		return contracts.Errorf(contracts.Invalid, "publish record", "value must not be empty")
	case r.Size() > MaxRecordBytes:
		return contracts.Errorf(contracts.TooLarge, "publish record", "%d bytes are more than %d", r.Size(), MaxRecordBytes)
	}
	return nil
}
