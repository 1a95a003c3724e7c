package kafkalog

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

func toKafka(records []eventlog.Record) kafka.RecordReader {
	now := time.Now()
	out := make([]kafka.Record, len(records))
	for i, r := range records {
		out[i] = kafka.Record{Key: kafka.NewBytes([]byte(r.Key)), Value: kafka.NewBytes(r.Value), Time: r.Time}
		if r.Time.IsZero() {
			out[i].Time = now
		}
		if len(r.Headers) > 0 {
			out[i].Headers = make([]kafka.Header, len(r.Headers))
		}
		for j, h := range r.Headers {
			out[i].Headers[j] = kafka.Header{Key: h.Key, Value: h.Value}
		}
	}
	return kafka.NewRecordReader(out...)
}

// read copies the records from the wanted offset on. A broker answers with whole batches, so earlier ones may stand in
// front.
func (p *partition) read(reader kafka.RecordReader) ([]eventlog.Record, error) {
	var records []eventlog.Record
	for {
		r, err := reader.ReadRecord()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			if len(records) > 0 {
				return records, nil // what was read whole is delivered; the rest is fetched again
			}
			return nil, fmt.Errorf("read record: %w", err)
		}
		if r.Offset < p.offset {
			continue
		}
		record, err := p.fromKafka(r)
		if err != nil {
			return nil, fmt.Errorf("read record at offset %d: %w", r.Offset, err)
		}
		records = append(records, record)
	}
}

func (p *partition) fromKafka(r *kafka.Record) (eventlog.Record, error) {
	key, err := readBytes(r.Key)
	if err != nil {
		return eventlog.Record{}, err
	}
	value, err := readBytes(r.Value)
	if err != nil {
		return eventlog.Record{}, err
	}
	record := eventlog.Record{
		Topic: p.topic, Key: string(key), Value: value, Partition: p.partition, Offset: r.Offset, Time: r.Time.UTC(),
	}
	if len(r.Headers) > 0 {
		record.Headers = make([]eventlog.Header, len(r.Headers))
	}
	for i, h := range r.Headers {
		record.Headers[i] = eventlog.Header{Key: h.Key, Value: h.Value}
	}
	return record, nil
}

func readBytes(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer b.Close() //nolint:errcheck // it gives memory back and never fails
	return kafka.ReadAll(b)
}
