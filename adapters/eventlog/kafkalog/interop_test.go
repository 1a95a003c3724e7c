package kafkalog_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/localkafka"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
)

// interop is a topic in a broker, with our client and the key of a sender.
type interop struct {
	*testing.T
	addr, topic string
	log         eventlog.Log
	private     ed25519.PrivateKey
}

// newInterop makes a topic of its own.
func newInterop(t *testing.T, addr string) *interop {
	t.Helper()
	i := &interop{T: t, addr: addr, topic: "interop." + strings.ToLower(rand.Text()[:8]), log: client(t, addr)}
	t.Cleanup(func() { _ = i.log.Close() })
	if err := i.log.EnsureTopic(t.Context(), i.topic, 1); err != nil {
		t.Fatal(err)
	}
	var err error
	if _, i.private, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	return i
}

// event is a sealed answer.
func (i *interop) event() cloudevent.Event {
	i.Helper()
	e := cloudevent.Event{
		ID: "answer/1", Source: "urn:efa:authority:ihk-muenchen", Type: "de.efa.answer.returned.v1", Subject: "5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11",
		Time: "2026-06-01T11:59:58Z", DataContentType: "application/json", Data: []byte(`{"task_id":"5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11.register.1"}`),
		Extensions: map[string]string{"operator": "bayern", "partitionkey": "5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11"},
	}
	if err := (seal.Signer{KeyID: "k1", Private: i.private}).Seal(&e); err != nil {
		i.Fatal(err)
	}
	return e
}

// genuine reads a record as ingress does and verifies the seal.
func (i *interop) genuine(r eventlog.Record) cloudevent.Event {
	i.Helper()
	in := cloudevent.Record{Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		in.Headers = append(in.Headers, cloudevent.Header(h))
	}
	e, err := cloudevent.Read(in)
	if err != nil {
		i.Fatalf("read: %v\n%s", err, r.Value)
	}
	ring := seal.Ring{{ID: "k1", Authority: "ihk-muenchen", Algorithm: seal.Ed25519, Public: i.private.Public()}}
	if _, err := ring.Verify(e, "ihk-muenchen", time.Now()); err != nil {
		i.Errorf("verify: %v", err)
	}
	return e
}

// next reads n records from the beginning with our client.
func (i *interop) next(n int) []eventlog.Record {
	i.Helper()
	ctx, cancel := context.WithTimeout(i.Context(), 30*time.Second)
	defer cancel()
	var got []eventlog.Record
	err := i.log.Follow(ctx, i.topic, func(context.Context, int) (int64, error) { return -1, nil }, func(_ context.Context, batch []eventlog.Record) error {
		if got = append(got, batch...); len(got) >= n {
			cancel()
		}
		return nil
	})
	if err != nil || len(got) != n {
		i.Fatalf("%d records, %v", len(got), err)
	}
	return got
}

func (i *interop) modes(e cloudevent.Event) []eventlog.Record {
	var out []eventlog.Record
	for _, r := range []cloudevent.Record{e.Binary(), e.Structured()} {
		rec := eventlog.Record{Topic: i.topic, Key: e.Subject, Value: r.Value}
		for _, h := range r.Headers {
			rec.Headers = append(rec.Headers, eventlog.Header(h))
		}
		out = append(out, rec)
	}
	return out
}

// sarama sets a reading timeout that lets a connection on which nothing comes any more be replaced while message still waits.
func (i *interop) sarama() *sarama.Config {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V2_6_0_0
	cfg.Net.ReadTimeout = 5 * time.Second
	cfg.Producer.Return.Successes = true
	cfg.Consumer.Return.Errors = true
	return cfg
}

// TestTheSDKsOtherBindingReadsWhatWeWriteAndTheReverse checks bytes and headers in both directions and modes.
func TestTheSDKsOtherBindingReadsWhatWeWriteAndTheReverse(t *testing.T) {
	t.Parallel()
	h := startBroker(t, localkafka.Config{Dir: t.TempDir()})
	newInterop(t, h.Addr).bothWays()
}

func TestTheSDKsOtherBindingAgreesOverApacheKafka(t *testing.T) {
	t.Parallel()
	newInterop(t, startRealKafka(t).Addr).bothWays()
}

func (i *interop) bothWays() {
	e := i.event()
	sent := i.modes(e)
	if err := i.log.Publish(i.Context(), sent...); err != nil {
		i.Fatal(err)
	}
	i.readBySarama(sent, e)
	i.writeBySarama(e)
	for n, r := range i.next(4)[2:] {
		if got := i.genuine(r); got.ID != e.ID || string(got.Data) != string(e.Data) || r.Key != e.Subject {
			i.Errorf("event %d: %+v, key %s", n, got, r.Key)
		}
		if n == 0 {
			i.sameHeaders(sent[0], r)
		}
	}
}

// sameHeaders compares what two writers made of one event in binary mode; their order does not count.
func (i *interop) sameHeaders(a, b eventlog.Record) {
	i.Helper()
	headers := func(r eventlog.Record) []string {
		var out []string
		for _, h := range r.Headers {
			out = append(out, h.Key+"="+string(h.Value))
		}
		slices.Sort(out)
		return out
	}
	if diff := cmp.Diff(headers(a), headers(b)); diff != "" || !bytes.Equal(a.Value, b.Value) {
		i.Errorf("the SDK writes it otherwise: %s", diff)
	}
}

func (i *interop) readBySarama(sent []eventlog.Record, want cloudevent.Event) {
	i.Helper()
	consumer, err := sarama.NewConsumer([]string{i.addr}, i.sarama())
	if err != nil {
		i.Fatal(err)
	}
	defer consumer.Close()
	part, err := consumer.ConsumePartition(i.topic, 0, sarama.OffsetOldest)
	if err != nil {
		i.Fatal(err)
	}
	defer part.Close()
	for _, r := range sent {
		m := i.message(part)
		got := eventlog.Record{Topic: i.topic, Key: string(m.Key), Value: m.Value}
		for _, h := range m.Headers {
			got.Headers = append(got.Headers, eventlog.Header{Key: string(h.Key), Value: h.Value})
		}
		if diff := cmp.Diff(r, got); diff != "" {
			i.Errorf("record changed on its way (-ours +theirs):\n%s", diff)
		}
		read, err := binding.ToEvent(i.Context(), kafka_sarama.NewMessageFromConsumerMessage(m))
		if err != nil {
			i.Fatal(err)
		}
		if read.ID() != want.ID || read.Source() != want.Source || read.Subject() != want.Subject || !bytes.Equal(read.Data(), want.Data) {
			i.Errorf("the SDK reads %s", read)
		}
		for name, value := range want.Extensions {
			if read.Extensions()[name] != value {
				i.Errorf("extension %s is %v", name, read.Extensions()[name])
			}
		}
	}
}

// message waits for the next one. Reading goes on after an error, as the SDK's does.
func (i *interop) message(part sarama.PartitionConsumer) *sarama.ConsumerMessage {
	i.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case m, ok := <-part.Messages():
			if !ok {
				i.Fatal("reading has ended")
			}
			return m
		case err, ok := <-part.Errors():
			if !ok {
				i.Fatal("reading has ended")
			}
			i.Log(err)
		case <-late:
			i.Fatalf("nothing came; the topic ends at %d", part.HighWaterMarkOffset())
		}
	}
}

func (i *interop) writeBySarama(e cloudevent.Event) {
	i.Helper()
	out := ce.New()
	out.SetID(e.ID)
	out.SetSource(e.Source)
	out.SetType(e.Type)
	out.SetSubject(e.Subject)
	at, err := time.Parse(time.RFC3339, e.Time)
	if err != nil {
		i.Fatal(err)
	}
	out.SetTime(at)
	for name, value := range e.Extensions {
		out.SetExtension(name, value)
	}
	if err := out.SetData(e.DataContentType, e.Data); err != nil {
		i.Fatal(err)
	}
	producer, err := sarama.NewSyncProducer([]string{i.addr}, i.sarama())
	if err != nil {
		i.Fatal(err)
	}
	defer producer.Close()
	for _, mode := range []func(context.Context) context.Context{binding.WithForceBinary, binding.WithForceStructured} {
		m := &sarama.ProducerMessage{Topic: i.topic, Key: sarama.StringEncoder(e.Subject)}
		if err := kafka_sarama.WriteProducerMessage(mode(i.Context()), binding.ToMessage(&out), m); err != nil {
			i.Fatal(err)
		}
		if _, _, err := producer.SendMessage(m); err != nil {
			i.Fatal(err)
		}
	}
}

// TestKcatReadsWhatWeWriteAndTheReverse uses a client that shares no code with ours, against Apache Kafka.
func TestKcatReadsWhatWeWriteAndTheReverse(t *testing.T) {
	t.Parallel()
	k := startRealKafka(t)
	if _, err := exec.LookPath("kcat"); err != nil {
		t.Skip("kcat is not installed")
	}
	i := newInterop(t, k.Addr)
	e := i.event()
	sent := i.modes(e)[0]
	if err := i.log.Publish(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, h := range sent.Headers {
		want = append(want, h.Key+"="+string(h.Value))
	}
	got := i.kcat("", "-C", "-b", k.Addr, "-t", i.topic, "-o", "beginning", "-e", "-q", "-f", "%k\n%h\n%s")
	if got != e.Subject+"\n"+strings.Join(want, ",")+"\n"+string(sent.Value) {
		t.Errorf("kcat reads\n%s", got)
	}
	args := []string{"-P", "-b", k.Addr, "-t", i.topic, "-k", e.Subject, "-X", "acks=all"}
	for _, h := range sent.Headers {
		args = append(args, "-H", fmt.Sprintf("%s=%s", h.Key, h.Value))
	}
	i.kcat(string(e.Data), args...)
	back := i.next(2)[1]
	i.sameHeaders(sent, back)
	if got := i.genuine(back); got.ID != e.ID || back.Key != e.Subject {
		t.Errorf("kcat wrote %+v, key %s", got, back.Key)
	}
}

func (i *interop) kcat(stdin string, args ...string) string {
	i.Helper()
	c := exec.CommandContext(i.Context(), "kcat", args...)
	c.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		i.Fatalf("kcat: %v\n%s", err, errs.Bytes())
	}
	return string(out)
}
