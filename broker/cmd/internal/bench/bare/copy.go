package bare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
)

// Copy is the loop that anybody would write with kafka-go: read, parse, choose a target, write, commit. It carries
// structured CloudEvents of 4 KiB over 8 partitions to 3 targets with acks of all replicas.
type Copy struct {
	client *kafka.Client
	reader *kafka.Reader
	writer *kafka.Writer
	source string
	all    []string
}

const (
	partitions = 8
	targets    = 3
	// batch is how many records are written and committed together.
	batch      = 100
	eventBytes = 4 << 10
)

// NewCopy makes topics of its own, which Close deletes.
func NewCopy(ctx context.Context, cfg kafkalog.Config, log *kafkalog.Log) (*Copy, error) {
	mechanism, err := mechanismOf(cfg.SASL)
	if err != nil {
		return nil, err
	}
	transport := &kafka.Transport{ClientID: "efa-bench", TLS: cfg.TLS, SASL: mechanism}
	run := "efa.bench." + uuid.NewString()
	c := &Copy{source: run + ".source", client: &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport}}
	c.all = []string{c.source}
	for i := range targets {
		c.all = append(c.all, run+".target-"+strconv.Itoa(i))
	}
	for _, topic := range c.all {
		if err := log.EnsureTopic(ctx, topic, partitions); err != nil {
			return nil, fmt.Errorf("make topics of the copy loop: %w", err)
		}
	}
	c.writer = &kafka.Writer{
		Addr: kafka.TCP(cfg.Brokers...), Transport: transport, Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll, BatchSize: batch,
		BatchTimeout: time.Millisecond, MaxAttempts: 10,
	}
	c.reader = kafka.NewReader(kafka.ReaderConfig{
		Brokers: cfg.Brokers, GroupID: run, Topic: c.source, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond, StartOffset: kafka.FirstOffset,
		Dialer: &kafka.Dialer{ClientID: "efa-bench", Timeout: 10 * time.Second, TLS: cfg.TLS, SASLMechanism: mechanism},
	})
	return c, nil
}

func mechanismOf(s *kafkalog.SASL) (sasl.Mechanism, error) {
	switch {
	case s == nil:
		return nil, nil //nolint:nilnil // no user, no mechanism
	case s.Mechanism == "PLAIN":
		return plain.Mechanism{Username: s.Username, Password: s.Password}, nil
	case s.Mechanism == "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, s.Username, s.Password)
	}
	return scram.Mechanism(scram.SHA512, s.Username, s.Password)
}

// cloudEvent is what the loop looks at.
type cloudEvent struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject"`
	Data        json.RawMessage `json:"data"`
}

// Fill puts n events into the source.
func (c *Copy) Fill(ctx context.Context, n int) error {
	messages := make([]kafka.Message, n)
	for i := range messages {
		e := cloudEvent{SpecVersion: "1.0", ID: uuid.NewString(), Source: "urn:efa:bench", Type: "de.efa.bench.v1", Subject: uuid.NewString()}
		e.Data = json.RawMessage(`{"fill":"` + strings.Repeat("x", eventBytes-250) + `"}`)
		value, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		messages[i] = kafka.Message{Topic: c.source, Key: []byte(e.Subject), Value: value}
	}
	for len(messages) > 0 {
		now := min(batch, len(messages))
		if err := c.writer.WriteMessages(ctx, messages[:now]...); err != nil {
			return fmt.Errorf("fill the source: %w", err)
		}
		messages = messages[now:]
	}
	return nil
}

// Await waits until the reader has its partitions: it copies one event.
func (c *Copy) Await(ctx context.Context) error {
	if err := c.Fill(ctx, 1); err != nil {
		return err
	}
	return c.Run(ctx, 1)
}

// Run copies n events.
func (c *Copy) Run(ctx context.Context, n int) error {
	for n > 0 {
		read := make([]kafka.Message, min(batch, n))
		written := make([]kafka.Message, len(read))
		for i := range read {
			var err error
			if read[i], err = c.reader.FetchMessage(ctx); err != nil {
				return fmt.Errorf("read: %w", err)
			}
			var e cloudEvent
			if err := json.Unmarshal(read[i].Value, &e); err != nil {
				return fmt.Errorf("parse: %w", err)
			}
			h := fnv.New32a()
			h.Write([]byte(e.Subject))
			written[i] = kafka.Message{Topic: c.all[1+int(h.Sum32()%targets)], Key: read[i].Key, Value: read[i].Value}
		}
		if err := c.writer.WriteMessages(ctx, written...); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if err := c.reader.CommitMessages(ctx, read...); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		n -= len(read)
	}
	return nil
}

// Close ends the loop and deletes its topics.
func (c *Copy) Close(ctx context.Context) error {
	err := errors.Join(c.reader.Close(), c.writer.Close())
	answer, failed := c.client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: c.all})
	if failed != nil {
		return errors.Join(err, fmt.Errorf("delete topics of the copy loop: %w", failed))
	}
	for topic, failed := range answer.Errors {
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("delete topic %s: %w", topic, failed))
		}
	}
	return err
}
