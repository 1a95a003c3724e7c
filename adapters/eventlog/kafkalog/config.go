package kafkalog

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
)

// Config says which Kafka to use and how. Brokers is the only field that must be set.
type Config struct {
	// Brokers are the addresses (host:port) at which the cluster is found. One suffices, several survive the loss of one.
	Brokers []string
	// ClientID names this program in the broker's logs and quotas. Defaults to "efa-broker".
	ClientID string
	// TLS encrypts the connections; with a client certificate it also authenticates. Defaults to no encryption.
	TLS *tls.Config
	// SASL authenticates with a user name and password; use it with TLS only. Defaults to no authentication.
	SASL *SASL
	// Dial opens a connection to a broker. Set it where brokers are reached through a tunnel or a proxy, whose address the
	// cluster does not know. Defaults to a direct connection.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ReplicationFactor is given to topics that EnsureTopic creates. Defaults to the cluster's own default.
	ReplicationFactor int
	// SenderTime says that the broker keeps the time of senders whatever a topic is set to, as the embedded one does: nothing
	// is stamped then. Defaults to a broker that stamps where a topic asks for it.
	SenderTime bool
	// RequestTimeout bounds one request to the broker. Defaults to 10 s.
	RequestTimeout time.Duration
	// PublishTimeout bounds one Publish with all its retries. It should outlast the election of a new leader, which takes
	// about the broker session timeout (9 s by default). Defaults to 30 s.
	PublishTimeout time.Duration
	// MaxInFlight is the largest number of produce requests at the same time, over all callers. Defaults to 8.
	MaxInFlight int
	// SessionTimeout is how long a silent member keeps its partitions. Brokers refuse less than 6 s and more than 30 min
	// unless configured otherwise. Defaults to 6 s.
	SessionTimeout time.Duration
	// HeartbeatInterval is how often a member shows that it lives, and so how soon it hears of a rebalance. Defaults to a
	// third of SessionTimeout.
	HeartbeatInterval time.Duration
	// FetchWait is how long the broker holds a fetch request that finds no records. Defaults to 500 ms.
	FetchWait time.Duration
	// FetchBytes is about the most that one fetch of one partition brings. Defaults to 1 MiB.
	FetchBytes int
	// MaxBatch is the largest number of records in a batch. Defaults to 500.
	MaxBatch int
	// Retry is the pause after a failed request or handle. Defaults to 50 ms up to 5 s.
	Retry eventlog.Backoff
	// Logger hears of everything that is waited out. Defaults to discarding.
	Logger *slog.Logger
}

// SASL is a user name and password.
type SASL struct {
	// Mechanism is "PLAIN", "SCRAM-SHA-256" or "SCRAM-SHA-512".
	Mechanism string
	Username  string
	Password  string
}

// LogValue shows no password.
func (s SASL) LogValue() slog.Value {
	return slog.GroupValue(slog.String("mechanism", s.Mechanism), slog.String("username", s.Username))
}

func (c Config) withDefaults() Config {
	setDefault(&c.ClientID, "efa-broker")
	setDefault(&c.ReplicationFactor, -1)
	setDefault(&c.RequestTimeout, 10*time.Second)
	setDefault(&c.PublishTimeout, 30*time.Second)
	setDefault(&c.MaxInFlight, 8)
	setDefault(&c.SessionTimeout, 6*time.Second)
	setDefault(&c.HeartbeatInterval, c.SessionTimeout/3)
	setDefault(&c.FetchWait, 500*time.Millisecond)
	setDefault(&c.FetchBytes, 1<<20)
	setDefault(&c.MaxBatch, 500)
	setDefault(&c.Retry, eventlog.Backoff{Min: 50 * time.Millisecond, Max: 5 * time.Second})
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports every fault of the configuration at once, as Invalid.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	for _, check := range []struct {
		ok      bool
		problem string
	}{
		{len(c.Brokers) > 0, "brokers: at least one address is needed"},
		{c.ReplicationFactor == -1 || c.ReplicationFactor > 0, "replication_factor: must be positive"},
		{c.RequestTimeout > 2*c.FetchWait, "request_timeout: must be more than twice fetch_wait"},
		{c.PublishTimeout > 0, "publish_timeout: must be positive"},
		{c.MaxInFlight > 0, "max_in_flight: must be positive"},
		{c.FetchWait > 0, "fetch_wait: must be positive"},
		{c.FetchBytes > 0 && c.FetchBytes < 1<<31, "fetch_bytes: must be positive and below 2 GiB"},
		{c.MaxBatch > 0, "max_batch: must be positive"},
		{c.HeartbeatInterval > 0 && c.HeartbeatInterval < c.SessionTimeout, "heartbeat_interval: must be positive and below session_timeout"},
		{c.Retry.Min > 0 && c.Retry.Max >= c.Retry.Min, "retry: min must be positive and not above max"},
		{c.SASL == nil || knownMechanism(c.SASL.Mechanism), "sasl.mechanism: must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"},
		{c.SASL == nil || c.SASL.Username != "" && c.SASL.Password != "", "sasl: username and password are needed"},
	} {
		if !check.ok {
			faults = append(faults, errors.New(check.problem))
		}
	}
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return contracts.Errorf(contracts.Invalid, "configure kafka", "%w", errors.Join(faults...))
	}
	return nil
}
