package kafkalog

import (
	"errors"

	"github.com/segmentio/kafka-go"

	"github.com/efa-broker/efa-broker/contracts"
)

// passing tells whether the same request may succeed soon. The broker says so of its own errors; everything else is the
// network, a leader or a topic that is not known yet, or a request that took too long.
func passing(err error) bool {
	if broker, ok := errors.AsType[kafka.Error](err); ok {
		// A cluster whose brokers are all fenced for a moment answers that it has none; kafka-go takes that for final.
		return broker.Temporary() || broker.Timeout() || broker == kafka.BrokerNotAvailable
	}
	return true
}

// classify gives an error the kind that follows from it. Whatever is not clearly final is Unavailable: a full disk, for
// example, comes as an unknown error and passes.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	kind := contracts.Unavailable
	if broker, ok := errors.AsType[kafka.Error](err); ok {
		switch broker { //nolint:exhaustive // all other codes of the broker are Unavailable
		case kafka.MessageSizeTooLarge:
			kind = contracts.TooLarge
		case kafka.TopicAuthorizationFailed, kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed, kafka.SASLAuthenticationFailed:
			kind = contracts.Denied
		case kafka.InvalidTopic, kafka.PolicyViolation, kafka.InvalidReplicationFactor:
			kind = contracts.Invalid
		}
	}
	return contracts.Errorf(kind, op, "%w", err)
}
