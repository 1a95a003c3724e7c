package kafkalog_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/eventlogtest"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/localkafka"
	"github.com/efa-broker/efa-broker/contracts"
)

// client is a log with small batches and quick heartbeats, so that rebalances take no seconds.
func client(tb testing.TB, addr string) *kafkalog.Log {
	tb.Helper()
	return clientOf(tb, kafkalog.Config{Brokers: []string{addr}, MaxBatch: 7})
}

func clientOf(tb testing.TB, cfg kafkalog.Config) *kafkalog.Log {
	tb.Helper()
	cfg.HeartbeatInterval = 100 * time.Millisecond
	cfg.Retry = eventlog.Backoff{Min: 10 * time.Millisecond, Max: time.Second}
	cfg.Logger = slog.New(slog.NewTextHandler(tb.Output(), nil))
	l, err := kafkalog.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func startBroker(tb testing.TB, cfg localkafka.Config) *localkafka.Handle {
	tb.Helper()
	h, err := localkafka.Start(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { stopBroker(tb, h) })
	return h
}

func stopBroker(tb testing.TB, h *localkafka.Handle) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 30*time.Second)
	defer cancel()
	if err := h.Stop(ctx); err != nil {
		tb.Error(err)
	}
}

func TestKafkalogKeepsTheContractOverTheEmbeddedBroker(t *testing.T) {
	t.Parallel()
	cfg := localkafka.Config{Dir: t.TempDir()}
	h := startBroker(t, cfg)
	eventlogtest.Run(t, func(t *testing.T) eventlog.Log {
		t.Helper()
		return clientOf(t, kafkalog.Config{Brokers: []string{h.Addr}, MaxBatch: 7, SenderTime: true})
	}, eventlogtest.Features{
		Restart: func(t *testing.T, l eventlog.Log) eventlog.Log {
			t.Helper()
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			stopBroker(t, h)
			h = startBroker(t, cfg)
			return clientOf(t, kafkalog.Config{Brokers: []string{h.Addr}, MaxBatch: 7, SenderTime: true})
		},
	})
}

func TestKafkalogKeepsTheContractOverApacheKafka(t *testing.T) {
	t.Parallel()
	k := startRealKafka(t)
	open := func(t *testing.T) eventlog.Log {
		t.Helper()
		return client(t, k.Addr)
	}
	eventlogtest.Run(t, open, eventlogtest.Features{
		Stamps: true,
		Restart: func(t *testing.T, _ eventlog.Log) eventlog.Log {
			t.Helper()
			k.kill()
			k.run(t)
			return open(t)
		},
	})
}

func TestKafkalogKeepsTheContractWithAPassword(t *testing.T) {
	t.Parallel()
	k := startRealKafka(t)
	login := func(password string) kafkalog.Config {
		return kafkalog.Config{
			Brokers: []string{k.SASLAddr}, SASL: &kafkalog.SASL{Mechanism: "SCRAM-SHA-256", Username: saslUser, Password: password},
		}
	}
	if err := clientOf(t, login("wrong")).Ping(t.Context()); contracts.KindOf(err) != contracts.Denied {
		t.Errorf("wrong password: got %v, want kind denied", err)
	}
	eventlogtest.Run(t, func(t *testing.T) eventlog.Log {
		t.Helper()
		return clientOf(t, login(saslPassword))
	}, eventlogtest.Features{Stamps: true})
}
