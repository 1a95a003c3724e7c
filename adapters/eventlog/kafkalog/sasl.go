package kafkalog

import (
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

const (
	mechanismPlain    = "PLAIN"
	mechanismScram256 = "SCRAM-SHA-256"
	mechanismScram512 = "SCRAM-SHA-512"
)

func knownMechanism(name string) bool {
	return name == mechanismPlain || name == mechanismScram256 || name == mechanismScram512
}

// newMechanism returns nil without SASL.
func newMechanism(s *SASL) (sasl.Mechanism, error) {
	if s == nil {
		return nil, nil //nolint:nilnil // no mechanism is what kafka-go expects without SASL
	}
	switch s.Mechanism {
	case mechanismPlain:
		return plain.Mechanism{Username: s.Username, Password: s.Password}, nil
	case mechanismScram512:
		return scram.Mechanism(scram.SHA512, s.Username, s.Password)
	default:
		return scram.Mechanism(scram.SHA256, s.Username, s.Password)
	}
}
