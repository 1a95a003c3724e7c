package eventlogtest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
)

func recordArrives(s *setup) {
	s.ensure(s.topic, 1)
	at := time.Date(2025, 11, 3, 8, 15, 0, 123_000_000, time.UTC)
	sent := eventlog.Record{
		Topic: s.topic, Key: "Gehäuse-1", Value: []byte{0, 255, '{', '}'}, Time: at,
		Headers: []eventlog.Header{
			{Key: "ce_id", Value: []byte("first")}, {Key: "other", Value: []byte{1, 0, 254}}, {Key: "ce_id", Value: []byte("last")},
		},
	}
	before := time.Now().Add(-time.Minute)
	untimed := eventlog.Record{Topic: s.topic, Key: "k", Value: []byte("v")}
	s.publish(sent, untimed)

	in := newInbox()
	s.consume(s.group, in.handle)
	got := in.values(s.ctx, s.T, []eventlog.Record{sent, untimed})

	if diff := cmp.Diff(sent, got[0]); diff != "" {
		s.Errorf("record changed on its way (-sent +received):\n%s", diff)
	}
	if id, ok := got[0].Header("ce_id"); !ok || string(id) != "last" {
		s.Errorf("header ce_id = %q, %v; the last one counts", id, ok)
	}
	if got[1].Offset != 1 {
		s.Errorf("second record has offset %d, want 1", got[1].Offset)
	}
	if got[1].Time.Before(before) || got[1].Time.Location() != time.UTC {
		s.Errorf("publish set the time %v, want now in UTC", got[1].Time)
	}
}

func orderPerKey(s *setup) {
	s.ensure(s.topic, 6)
	const keys, each = 20, 30
	var sent []eventlog.Record
	for n := range each {
		var call []eventlog.Record
		for k := range keys {
			call = append(call, s.record(fmt.Sprintf("case-%02d", k), n))
		}
		s.publish(call...)
		sent = append(sent, call...)
	}
	in := newInbox()
	s.consume(s.group, in.handle)
	got := in.values(s.ctx, s.T, sent)
	checkOrder(s.T, got)
	used := map[int]bool{}
	for _, r := range got {
		used[r.Partition] = true
	}
	if len(used) < 2 {
		s.Errorf("%d keys share one partition of six", keys)
	}
}

// checkOrder checks that every key has one partition and that its records arrived in the order of their numbers.
func checkOrder(t *testing.T, got []eventlog.Record) {
	t.Helper()
	inOrder(t, got)
	partitions, next := map[string]int{}, map[string]int{}
	for _, r := range got {
		if p, seen := partitions[r.Key]; seen && p != r.Partition {
			t.Errorf("key %s lies in partitions %d and %d", r.Key, p, r.Partition)
		}
		partitions[r.Key] = r.Partition
		if string(r.Value) == fmt.Sprintf("%s/%d", r.Key, next[r.Key]) {
			next[r.Key]++
		}
	}
	for key, n := range next {
		if total := countKey(got, key); n != total {
			t.Errorf("key %s: only the first %d of %d records arrived in order", key, n, total)
		}
	}
}

// countKey counts the different records of a key.
func countKey(records []eventlog.Record, key string) int {
	values := map[string]bool{}
	for _, r := range records {
		if r.Key == key {
			values[string(r.Value)] = true
		}
	}
	return len(values)
}

func severalCallers(s *setup) {
	s.ensure(s.topic, 3)
	const callers, each = 8, 40
	var sent []eventlog.Record
	var wg sync.WaitGroup
	for c := range callers {
		records := s.sequence(fmt.Sprintf("caller-%d", c), 0, each)
		sent = append(sent, records...)
		wg.Go(func() {
			for len(records) > 0 {
				n := min(7, len(records))
				if err := s.log.Publish(s.ctx, records[:n]...); err != nil {
					s.Errorf("publish: %v", err)
					return
				}
				records = records[n:]
			}
		})
	}
	wg.Wait()
	in := newInbox()
	s.consume(s.group, in.handle)
	checkOrder(s.T, in.values(s.ctx, s.T, sent))
}

func faultyRecord(s *setup) {
	s.ensure(s.topic, 1)
	good := s.record("case", 0)
	for name, c := range map[string]struct {
		change func(r *eventlog.Record)
		kind   contracts.Kind
	}{
		"topic":     {func(r *eventlog.Record) { r.Topic = "größe" }, contracts.Invalid},
		"no topic":  {func(r *eventlog.Record) { r.Topic = "" }, contracts.Invalid},
		"no key":    {func(r *eventlog.Record) { r.Key = "" }, contracts.Invalid},
		"no value":  {func(r *eventlog.Record) { r.Value = []byte{} }, contracts.Invalid},
		"too large": {func(r *eventlog.Record) { r.Value = make([]byte, eventlog.MaxRecordBytes) }, contracts.TooLarge},
	} {
		bad := good
		c.change(&bad)
		if err := s.log.Publish(s.ctx, good, bad); contracts.KindOf(err) != c.kind || err == nil {
			s.Errorf("%s: got %v, want kind %v", name, err, c.kind)
		}
	}
	largest := s.record("case", 1)
	largest.Value = bytes.Repeat([]byte("x"), eventlog.MaxRecordBytes-largest.Size()+len(largest.Value))
	s.publish(largest)
	in := newInbox()
	s.consume(s.group, in.handle)
	if got := in.values(s.ctx, s.T, []eventlog.Record{largest}); len(got) != 1 {
		s.Errorf("%d records arrived, want the largest alone", len(got))
	}
}

func unknownTopic(s *setup) {
	ctx, cancel := context.WithTimeout(s.ctx, 3*time.Second)
	defer cancel()
	if err := s.log.Publish(ctx, s.record("case", 0)); contracts.KindOf(err) != contracts.Unavailable {
		s.Errorf("got %v, want kind unavailable", err)
	}
}

func endedContext(s *setup) {
	s.ensure(s.topic, 1)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if err := s.log.Publish(ctx, s.record("case", 0)); contracts.KindOf(err) != contracts.Unavailable {
		s.Errorf("got %v, want kind unavailable", err)
	}
}

func closedLog(s *setup) {
	s.ensure(s.topic, 1)
	if err := s.log.Ping(s.ctx); err != nil {
		s.Errorf("ping: %v", err)
	}
	if err := s.log.Close(); err != nil {
		s.Errorf("close: %v", err)
	}
	for name, err := range map[string]error{
		"ping":    s.log.Ping(s.ctx),
		"ensure":  s.log.EnsureTopic(s.ctx, s.topic, 1),
		"publish": s.log.Publish(s.ctx, s.record("case", 0)),
		"consume": s.log.Consume(s.ctx, s.group, []string{s.topic}, newInbox().handle),
	} {
		if contracts.KindOf(err) != contracts.Unavailable {
			s.Errorf("%s on a closed log: got %v, want kind unavailable", name, err)
		}
	}
}

func ensureTwice(s *setup) {
	s.ensure(s.topic, 1)
	s.ensure(s.topic, 5)
	var sent []eventlog.Record
	for k := range 10 {
		sent = append(sent, s.record(fmt.Sprintf("case-%d", k), 0))
	}
	s.publish(sent...)
	in := newInbox()
	s.consume(s.group, in.handle)
	for _, r := range in.values(s.ctx, s.T, sent) {
		if r.Partition != 0 {
			s.Errorf("key %s lies in partition %d of a topic with one", r.Key, r.Partition)
		}
	}
	for name, partitions := range map[string]int{"größe": 1, "": 1, s.topic + ".none": 0} {
		if err := s.log.EnsureTopic(s.ctx, name, partitions); contracts.KindOf(err) != contracts.Invalid || err == nil {
			s.Errorf("ensure topic %q with %d partitions: got %v, want kind invalid", name, partitions, err)
		}
	}
}
