package kafkalog_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/localkafka"
	"github.com/efa-broker/efa-broker/contracts"
)

func TestAFaultyConfigurationIsRefusedWithAllItsFaults(t *testing.T) {
	t.Parallel()
	_, err := kafkalog.New(kafkalog.Config{
		ReplicationFactor: -2, RequestTimeout: time.Second, FetchWait: time.Second, PublishTimeout: -1, MaxInFlight: -1, FetchBytes: -1,
		MaxBatch: -1, HeartbeatInterval: time.Hour, Retry: eventlog.Backoff{Min: 2, Max: 1}, SASL: &kafkalog.SASL{Mechanism: "NONE"},
	})
	if contracts.KindOf(err) != contracts.Invalid {
		t.Fatalf("got %v, want kind invalid", err)
	}
	for _, field := range []string{
		"brokers:", "replication_factor:", "request_timeout:", "publish_timeout:", "max_in_flight:", "fetch_bytes:", "max_batch:",
		"heartbeat_interval:", "retry:", "sasl.mechanism:", "sasl:",
	} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
	if _, err := kafkalog.New(kafkalog.Config{Brokers: []string{"no-port"}}); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("broker without port: got %v, want kind invalid", err)
	}
}

func TestAPasswordIsNotLogged(t *testing.T) {
	t.Parallel()
	s := kafkalog.SASL{Mechanism: "PLAIN", Username: "broker", Password: "canary"}
	if text := s.LogValue().String(); strings.Contains(text, "canary") || !strings.Contains(text, "broker") {
		t.Errorf("logged as %s", text)
	}
}

// The hashes are those of Kafka's own test of murmur2.
func TestPartitionsAreThoseOfJavaClients(t *testing.T) {
	t.Parallel()
	h := startBroker(t, localkafka.Config{Dir: t.TempDir()})
	l := client(t, h.Addr)
	const topic, partitions = "efa.murmur", 7
	if err := l.EnsureTopic(t.Context(), topic, partitions); err != nil {
		t.Fatal(err)
	}
	hashes := map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	}
	var records []eventlog.Record
	for key := range hashes {
		records = append(records, eventlog.Record{Topic: topic, Key: key, Value: []byte("v")})
	}
	if err := l.Publish(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	got := make(chan eventlog.Record, len(records))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- l.Consume(ctx, "murmur", []string{topic}, func(_ context.Context, batch []eventlog.Record) error {
			for _, r := range batch {
				got <- r
			}
			return nil
		})
	}()
	for range records {
		select {
		case r := <-got:
			if want := int(hashes[r.Key]&0x7fffffff) % partitions; r.Partition != want {
				t.Errorf("%s lies in partition %d, want %d", r.Key, r.Partition, want)
			}
		case <-ctx.Done():
			t.Fatal("records are missing")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAPublishLargerThanARequestIsDivided(t *testing.T) {
	t.Parallel()
	h := startBroker(t, localkafka.Config{Dir: t.TempDir()})
	l := client(t, h.Addr)
	const topic, n = "efa.large", 12
	if err := l.EnsureTopic(t.Context(), topic, 1); err != nil {
		t.Fatal(err)
	}
	var records []eventlog.Record
	for i := range n {
		records = append(records, eventlog.Record{Topic: topic, Key: "case", Value: fmt.Appendf(make([]byte, 300<<10), "%d", i)})
	}
	if err := l.Publish(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	next := 0
	err := l.Consume(ctx, "large", []string{topic}, func(_ context.Context, batch []eventlog.Record) error {
		for _, r := range batch {
			if string(r.Value[300<<10:]) != strconv.Itoa(next) {
				t.Errorf("record %d stands in place %d", r.Offset, next)
			}
			next++
		}
		if next == n {
			cancel()
		}
		return nil
	})
	if err != nil || next != n {
		t.Errorf("%d of %d records came, %v", next, n, err)
	}
}

func TestPublishGivesUpOnABrokerThatIsAway(t *testing.T) {
	t.Parallel()
	h := startBroker(t, localkafka.Config{Dir: t.TempDir()})
	stopBroker(t, h)
	l := clientOf(t, kafkalog.Config{Brokers: []string{h.Addr}, PublishTimeout: 300 * time.Millisecond})
	err := l.Publish(t.Context(), eventlog.Record{Topic: "t", Key: "k", Value: []byte("v")})
	if contracts.KindOf(err) != contracts.Unavailable || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v, want unavailable with the cause", err)
	}
}

func BenchmarkPublishAndConsume(b *testing.B) {
	for _, size := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("%d_per_call", size), func(b *testing.B) { publishAndConsume(b, size) })
	}
}

// publishAndConsume reports how long a record takes while publishing and consuming go on at the same time.
func publishAndConsume(b *testing.B, size int) {
	b.Helper()
	h := startBroker(b, localkafka.Config{Dir: b.TempDir()})
	l, err := kafkalog.New(kafkalog.Config{Brokers: []string{h.Addr}})
	if err != nil {
		b.Fatal(err)
	}
	const topic = "efa.bench"
	if err := l.EnsureTopic(b.Context(), topic, 6); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	got := make(chan int, 1024)
	done := make(chan error, 1)
	go func() {
		done <- l.Consume(ctx, "bench", []string{topic}, func(_ context.Context, batch []eventlog.Record) error {
			got <- len(batch)
			return nil
		})
	}()
	value := make([]byte, 1024)
	value[0] = 1
	call := func(n int) []eventlog.Record {
		records := make([]eventlog.Record, n)
		for i := range records {
			records[i] = eventlog.Record{Topic: topic, Key: fmt.Sprint("case-", i%37), Value: value}
		}
		return records
	}
	if err := l.Publish(ctx, call(1)...); err != nil {
		b.Fatal(err)
	}
	<-got // the group has its partitions
	b.SetBytes(1024)
	b.ResetTimer()
	go func() {
		for sent := 0; sent < b.N; sent += size {
			if err := l.Publish(ctx, call(min(size, b.N-sent))...); err != nil {
				b.Error(err)
				cancel()
			}
		}
	}()
	for received := 0; received < b.N; received += <-got {
		if ctx.Err() != nil {
			b.Fatal("publish failed")
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}
