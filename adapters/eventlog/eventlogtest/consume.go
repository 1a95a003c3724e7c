package eventlogtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
)

func impossibleArguments(s *setup) {
	handle := newInbox().handle
	for name, err := range map[string]error{
		"no group":    s.log.Consume(s.ctx, "", []string{s.topic}, handle),
		"no topic":    s.log.Consume(s.ctx, s.group, nil, handle),
		"bad topic":   s.log.Consume(s.ctx, s.group, []string{"größe"}, handle),
		"topic twice": s.log.Consume(s.ctx, s.group, []string{s.topic, s.topic}, handle),
		"no handle":   s.log.Consume(s.ctx, s.group, []string{s.topic}, nil),
	} {
		if err == nil || contracts.KindOf(err) != contracts.Invalid {
			s.Errorf("%s: got %v, want kind invalid", name, err)
		}
	}
}

func lateGroup(s *setup) {
	s.ensure(s.topic, 2)
	early := s.sequence("case-a", 0, 20)
	s.publish(early...)
	in := newInbox()
	s.consume(s.group, in.handle)
	in.values(s.ctx, s.T, early)
	later := s.sequence("case-a", 20, 40)
	s.publish(later...)
	checkOrder(s.T, in.values(s.ctx, s.T, later))
}

func twoGroups(s *setup) {
	s.ensure(s.topic, 2)
	sent := append(s.sequence("case-a", 0, 10), s.sequence("case-b", 0, 10)...)
	s.publish(sent...)
	one, two := newInbox(), newInbox()
	first := s.consume(s.group+"-1", one.handle)
	one.values(s.ctx, s.T, sent)
	first.stop(s.T)
	s.consume(s.group+"-2", two.handle)
	checkOrder(s.T, two.values(s.ctx, s.T, sent))
}

func topicAppears(s *setup) {
	in := newInbox()
	s.consume(s.group, in.handle)
	s.ensure(s.topic, 2)
	sent := s.sequence("case-a", 0, 5)
	s.publish(sent...)
	checkOrder(s.T, in.values(s.ctx, s.T, sent))
}

func severalTopics(s *setup) {
	other := s.topic + ".other"
	s.ensure(s.topic, 2)
	s.ensure(other, 1)
	sent := s.sequence("case-a", 0, 5)
	for n := range 5 {
		r := s.record("case-b", n)
		r.Topic = other
		sent = append(sent, r)
	}
	s.publish(sent...)
	in := newInbox()
	oneTopic := func(ctx context.Context, batch []eventlog.Record) error {
		for _, r := range batch[1:] {
			if r.Topic != batch[0].Topic || r.Partition != batch[0].Partition {
				s.Errorf("a batch mixes %s/%d and %s/%d", batch[0].Topic, batch[0].Partition, r.Topic, r.Partition)
			}
		}
		return in.handle(ctx, batch)
	}
	s.consume(s.group, oneTopic, s.topic, other)
	inOrder(s.T, in.values(s.ctx, s.T, sent))
}

func failedBatch(s *setup) {
	s.ensure(s.topic, 1)
	sent := s.sequence("case-a", 0, 20)
	s.publish(sent...)
	in, attempts := newInbox(), 0
	flaky := func(ctx context.Context, batch []eventlog.Record) error {
		if batch[0].Offset != 0 && attempts < 3 {
			s.Errorf("offset %d was handed over although the first batch has failed", batch[0].Offset)
		}
		if attempts++; attempts <= 3 {
			return errAgain
		}
		return in.handle(ctx, batch)
	}
	s.consume(s.group, flaky)
	got := in.values(s.ctx, s.T, sent)
	inOrder(s.T, got)
	if len(got) != len(sent) {
		s.Errorf("%d records were handled, want each of %d once", len(got), len(sent))
	}
}

func commitAfterSuccess(s *setup) {
	s.ensure(s.topic, 1)
	first := s.sequence("case-a", 0, 10)
	s.publish(first...)

	seen := make(chan int64, 1)
	failing := s.consume(s.group, func(_ context.Context, batch []eventlog.Record) error {
		select {
		case seen <- batch[0].Offset:
		default:
		}
		return errAgain
	})
	await(s.ctx, s.T, "a failing handle", seen)
	failing.stop(s.T)

	in := newInbox()
	succeeding := s.consume(s.group, in.handle)
	if got := in.values(s.ctx, s.T, first); got[0].Offset != 0 {
		s.Errorf("after a failed handle the group goes on at offset %d, want 0", got[0].Offset)
	}
	succeeding.stop(s.T)

	second := s.sequence("case-a", 10, 12)
	s.publish(second...)
	rest := newInbox()
	s.consume(s.group, rest.handle)
	if got := rest.values(s.ctx, s.T, second); got[0].Offset != 10 {
		s.Errorf("after successful handles the group goes on at offset %d, want 10", got[0].Offset)
	}
}

func midst(s *setup) {
	s.ensure(s.topic, 1)
	s.publish(s.sequence("case-a", 0, 20)...)
	first := make(chan int64, 1)
	again := make(chan struct{}, 1)
	c := s.consume(s.group, func(_ context.Context, batch []eventlog.Record) error {
		if batch[0].Offset == 0 {
			first <- batch[len(batch)-1].Offset + 1
			return nil
		}
		select {
		case again <- struct{}{}:
		default:
		}
		return errAgain
	})
	next := await(s.ctx, s.T, "the first batch", first)
	marker := s.record("case-a", 20)
	s.publish(marker)
	await(s.ctx, s.T, "the second batch", again)
	c.stop(s.T)
	in := newInbox()
	s.consume(s.group, in.handle)
	if got := in.values(s.ctx, s.T, []eventlog.Record{marker}); got[0].Offset != next {
		s.Errorf("the group goes on at offset %d, want %d", got[0].Offset, next)
	}
}

func poisonedPartition(s *setup) {
	s.ensure(s.topic, 6)
	var sent []eventlog.Record
	for k := range 12 {
		sent = append(sent, s.record(fmt.Sprintf("case-%d", k), 0))
	}
	s.publish(sent...)
	in, poison := newInbox(), sent[0].Key
	failed := make(chan int, 1)
	s.consume(s.group, func(ctx context.Context, batch []eventlog.Record) error {
		if slices.ContainsFunc(batch, func(r eventlog.Record) bool { return r.Key == poison }) {
			select {
			case failed <- batch[0].Partition:
			default:
			}
			return errAgain
		}
		return in.handle(ctx, batch)
	})
	poisoned := await(s.ctx, s.T, "the poisoned partition", failed)
	more := make([]eventlog.Record, len(sent))
	for i, r := range sent {
		more[i] = s.record(r.Key, 1)
	}
	s.publish(more...)
	// Which keys share the poisoned partition is the implementation's business: those of at least one other arrive.
	in.await(s.ctx, s.T, func(got []eventlog.Record) bool {
		return slices.ContainsFunc(got, func(r eventlog.Record) bool { return string(r.Value) == r.Key+"/1" })
	})
	got, _ := in.all()
	for _, r := range got {
		if r.Partition == poisoned {
			s.Errorf("offset %d of the poisoned partition was handled", r.Offset)
		}
	}
}

func rebalance(s *setup) {
	s.ensure(s.topic, 2)
	var sent []eventlog.Record
	for k := range 16 {
		sent = append(sent, s.sequence(fmt.Sprintf("case-%d", k), 0, 5)...)
	}
	s.publish(sent...)

	busy := make(chan int, 2)
	in := newInbox()
	var first sync.Map // partition → true when its first handle was ended by the rebalance
	s.consume(s.group, func(ctx context.Context, batch []eventlog.Record) error {
		if _, again := first.LoadOrStore(batch[0].Partition, true); again {
			return in.handle(ctx, batch)
		}
		busy <- batch[0].Partition
		<-ctx.Done()
		return ctx.Err()
	})
	await(s.ctx, s.T, "the first handle", busy)
	await(s.ctx, s.T, "the second handle", busy)

	other := make(chan struct{})
	var once sync.Once
	s.consume(s.group, func(ctx context.Context, batch []eventlog.Record) error {
		once.Do(func() { close(other) })
		return in.handle(ctx, batch)
	})
	inOrder(s.T, in.values(s.ctx, s.T, sent))
	await(s.ctx, s.T, "the second member's share", other)
}

func membersComeAndGo(s *setup) {
	s.ensure(s.topic, 3)
	in := newInbox()
	steady := s.consume(s.group, in.handle)
	var sent []eventlog.Record
	for round := range 5 {
		guest := s.consume(s.group, in.handle)
		for k := range 6 {
			records := s.sequence(fmt.Sprintf("case-%d", k), round*10, round*10+10)
			s.publish(records...)
			sent = append(sent, records...)
		}
		guest.stop(s.T)
	}
	in.values(s.ctx, s.T, sent)
	steady.stop(s.T)

	marker := s.record("case-0", 50)
	s.publish(marker)
	rest := newInbox()
	s.consume(s.group, rest.handle)
	if got := rest.values(s.ctx, s.T, []eventlog.Record{marker}); len(got) != 1 {
		s.Errorf("%d records are handed over after all were handled and committed, want the new one alone", len(got))
	}
}

func restart(s *setup, again func(t *testing.T, l eventlog.Log) eventlog.Log) {
	s.ensure(s.topic, 2)
	handled := append(s.sequence("case-a", 0, 10), s.sequence("case-b", 0, 10)...)
	s.publish(handled...)
	in := newInbox()
	c := s.consume(s.group, in.handle)
	in.values(s.ctx, s.T, handled)
	c.stop(s.T)
	open := append(s.sequence("case-a", 10, 15), s.sequence("case-b", 10, 15)...)
	s.publish(open...)

	s.log = again(s.T, s.log)

	rest := newInbox()
	s.consume(s.group, rest.handle)
	got := rest.values(s.ctx, s.T, open)
	if len(got) != len(open) {
		s.Errorf("%d records are handed over after the restart, want the %d open ones", len(got), len(open))
	}
	everything := newInbox()
	s.consume(s.group+"-late", everything.handle)
	inOrder(s.T, everything.values(s.ctx, s.T, append(handled, open...)))
}
