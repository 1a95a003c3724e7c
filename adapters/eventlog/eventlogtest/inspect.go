package eventlogtest

import (
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

// progressIsTold checks first, next and end offset of each partition before, while and after a group reads.
func progressIsTold(s *setup) {
	s.ensure(s.topic, 2)
	var sent []eventlog.Record
	for i := range 12 {
		sent = append(sent, s.record(fmt.Sprintf("k%d", i), 0))
	}
	s.publish(sent...)
	want := map[int]int64{}
	for _, p := range s.route(sent) {
		want[p]++
	}
	if len(want) != 2 {
		s.Fatalf("12 keys lie in %d of 2 partitions", len(want))
	}
	before, err := s.log.Progress(s.ctx, s.group, s.topic)
	if err != nil || len(before) != 2 {
		s.Fatalf("progress: %v, %v", before, err)
	}
	for i, p := range before {
		if p.Partition != i || p.First != 0 || p.Next != 0 || p.End != want[i] {
			s.Errorf("before a group has read: %+v, want end %d", p, want[i])
		}
	}
	ends, err := s.log.Ends(s.ctx, s.topic)
	if err != nil || len(ends) != 2 || ends[0] != (eventlog.Bound{Partition: 0, Offset: want[0]}) || ends[1] != (eventlog.Bound{Partition: 1, Offset: want[1]}) {
		s.Errorf("ends: %v, %v, want %v", ends, err, want)
	}
	in := newInbox()
	c := s.consume(s.group, in.handle)
	in.values(s.ctx, s.T, sent)
	c.stop(s.T)
	after, err := s.log.Progress(s.ctx, s.group, s.topic)
	if err != nil {
		s.Fatal(err)
	}
	other, err := s.log.Progress(s.ctx, s.group+"-other", s.topic)
	if err != nil {
		s.Fatal(err)
	}
	for i, p := range after {
		if p.Next != want[i] || p.End != want[i] || other[i].Next != 0 {
			s.Errorf("after a group has read: %+v, another group %+v", p, other[i])
		}
	}
}

func (s *setup) route(records []eventlog.Record) []int {
	s.Helper()
	keys := make([]string, len(records))
	for i, r := range records {
		keys[i] = r.Key
	}
	partitions, err := s.log.Route(s.ctx, s.topic, keys...)
	if err != nil || len(partitions) != len(keys) {
		s.Fatalf("route: %v, %v", partitions, err)
	}
	return partitions
}

// scanShowsAll checks that a scan shows every record once, in its place, and that nothing is committed by it.
func scanShowsAll(s *setup) {
	s.ensure(s.topic, 3)
	var sent []eventlog.Record
	for i := range 7 {
		sent = append(sent, s.sequence(fmt.Sprintf("k%d", i), 0, 5)...)
	}
	s.publish(sent...)
	routes := s.route(sent)
	partition := map[string]int{}
	for i, r := range sent {
		partition[string(r.Value)] = routes[i]
	}
	var seen []eventlog.Record
	if err := s.log.Scan(s.ctx, s.topic, func(r eventlog.Record) error {
		seen = append(seen, r)
		return nil
	}); err != nil {
		s.Fatal(err)
	}
	inOrder(s.T, seen)
	if len(seen) != len(sent) {
		s.Errorf("%d records seen, %d were sent", len(seen), len(sent))
	}
	for _, r := range seen {
		if want, known := partition[string(r.Value)]; !known || want != r.Partition {
			s.Errorf("%s lies in partition %d, its key routes to %d", r.Value, r.Partition, want)
		}
	}
	stop := errors.New("enough")
	calls := 0
	if err := s.log.Scan(s.ctx, s.topic, func(eventlog.Record) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		s.Errorf("a visit that fails: %v after %d records", err, calls)
	}
	in := newInbox()
	s.consume(s.group, in.handle)
	in.values(s.ctx, s.T, sent)
}
