package eventlogtest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
)

// follow follows a topic until the case ends, or until the returned function is called.
func (s *setup) follow(topic string, from func(partition int) (int64, error), handle eventlog.Handler) (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.ctx)
	c := &consumer{cancel: cancel, done: make(chan error, 1)}
	go func() {
		c.done <- s.log.Follow(ctx, topic, func(_ context.Context, partition int) (int64, error) { return from(partition) }, handle)
	}()
	stop = func() { c.stop(s.T) }
	s.Cleanup(stop)
	return stop
}

func fromFirst(int) (int64, error) { return -1, nil }

func impossibleFollow(s *setup) {
	handle := newInbox().handle
	from := func(context.Context, int) (int64, error) { return 0, nil }
	for name, err := range map[string]error{
		"bad topic": s.log.Follow(s.ctx, "größe", from, handle),
		"no from":   s.log.Follow(s.ctx, s.topic, nil, handle),
		"no handle": s.log.Follow(s.ctx, s.topic, from, nil),
	} {
		if contracts.KindOf(err) != contracts.Invalid {
			s.Errorf("%s: got %v, want kind invalid", name, err)
		}
	}
}

// followSeveral follows the topics of several authorities, one that exists later among them: each gets its own.
func followSeveral(s *setup) {
	topics := []string{s.topic + ".a", s.topic + ".b", s.topic + ".c"}
	inboxes := make([]*inbox, len(topics))
	sent := make([][]eventlog.Record, len(topics))
	for i, topic := range topics {
		inboxes[i] = newInbox()
		s.follow(topic, fromFirst, inboxes[i].handle)
		s.ensure(topic, 1+i)
		for k := range 4 {
			for n := range 5 {
				r := s.record(fmt.Sprintf("%s-case-%d", topic, k), n)
				r.Topic = topic
				sent[i] = append(sent[i], r)
			}
		}
		s.publish(sent[i]...)
	}
	for i, topic := range topics {
		got := inboxes[i].values(s.ctx, s.T, sent[i])
		checkOrder(s.T, got)
		for _, r := range got {
			if r.Topic != topic {
				s.Errorf("the follower of %s got a record of %s", topic, r.Topic)
			}
		}
	}
}

// followFromPosition goes on where the caller says, and the position is asked for until it is known.
func followFromPosition(s *setup) {
	s.ensure(s.topic, 1)
	sent := s.sequence("case-a", 0, 10)
	s.publish(sent...)
	var asked atomic.Int64
	in := newInbox()
	stop := s.follow(s.topic, func(int) (int64, error) {
		if asked.Add(1) < 3 {
			return 0, errAgain
		}
		return 6, nil
	}, in.handle)
	if got := in.values(s.ctx, s.T, sent[6:]); got[0].Offset != 6 || len(got) != 4 {
		s.Errorf("%d records from offset %d, want 4 from 6", len(got), got[0].Offset)
	}
	stop()
	more := s.sequence("case-a", 10, 12)
	s.publish(more...)
	again := newInbox()
	s.follow(s.topic, func(int) (int64, error) { return 10, nil }, again.handle)
	if got := again.values(s.ctx, s.T, more); len(got) != 2 {
		s.Errorf("%d records from offset 10, want 2", len(got))
	}
}

// followBeyondTheEnd is a position in a log that was lost: what there is now comes from its beginning.
func followBeyondTheEnd(s *setup) {
	s.ensure(s.topic, 1)
	sent := s.sequence("case-a", 0, 3)
	s.publish(sent...)
	in := newInbox()
	s.follow(s.topic, func(int) (int64, error) { return 50, nil }, in.handle)
	if got := in.values(s.ctx, s.T, sent); got[0].Offset != 0 {
		s.Errorf("the log is read from offset %d, want 0", got[0].Offset)
	}
}

// followRetries hands a failed batch over again and overtakes nothing; two followers do not disturb each other.
func followRetries(s *setup) {
	s.ensure(s.topic, 1)
	sent := s.sequence("case-a", 0, 9)
	s.publish(sent...)
	in, attempts := newInbox(), 0
	s.follow(s.topic, fromFirst, func(ctx context.Context, batch []eventlog.Record) error {
		if attempts++; attempts <= 3 {
			return errAgain
		}
		return in.handle(ctx, batch)
	})
	other := newInbox()
	s.follow(s.topic, fromFirst, other.handle)
	inOrder(s.T, in.values(s.ctx, s.T, sent))
	inOrder(s.T, other.values(s.ctx, s.T, sent))
}

// stampedTopic tells what was appended before an instant by the broker's clock, whatever senders write on their records.
func stampedTopic(s *setup) {
	if err := s.log.EnsureStamped(s.ctx, s.topic, 1, 0); err != nil {
		s.Fatal(err)
	}
	if err := s.log.EnsureStamped(s.ctx, s.topic, 1, 0); err != nil {
		s.Errorf("a second time: %v", err)
	}
	forged := s.record("case-a", 0)
	forged.Time = time.Now().Add(24 * time.Hour) // the sender writes what it likes
	s.publish(forged)
	late := s.record("case-a", 1)
	s.tick()
	between := time.Now()
	s.tick()
	late.Time = between.Add(-24 * time.Hour)
	s.publish(late)
	s.tick()
	for at, want := range map[time.Time]int64{between: 1, between.Add(-time.Hour): 0, time.Now(): 2} {
		bounds, err := s.log.Before(s.ctx, s.topic, at)
		if err != nil || len(bounds) != 1 || bounds[0] != (eventlog.Bound{Partition: 0, Offset: want}) {
			s.Errorf("before %s: %v, %v, want offset %d", at, bounds, err, want)
		}
	}
	plain := s.topic + ".plain"
	s.ensure(plain, 1)
	if err := s.log.EnsureStamped(s.ctx, plain, 1, 0); contracts.KindOf(err) != contracts.Conflict {
		s.Errorf("a topic that is not stamped passes: %v", err)
	}
	s.unstamped(plain)
}

// unstampedTopic is what a log says that stamps nothing.
func unstampedTopic(s *setup) {
	if err := s.log.EnsureStamped(s.ctx, s.topic, 1, 0); err != nil {
		s.Fatal(err)
	}
	s.unstamped(s.topic)
	if _, err := s.log.Stamps(s.ctx, s.topic, time.Now); contracts.KindOf(err) != contracts.Unsupported {
		s.Errorf("its clock: got %v, want kind unsupported", err)
	}
}

func (s *setup) unstamped(topic string) {
	s.Helper()
	if _, err := s.log.Before(s.ctx, topic, time.Now()); contracts.KindOf(err) != contracts.Unsupported {
		s.Errorf("got %v, want kind unsupported", err)
	}
}

// brokersClock tells the broker's clock, in a topic that keeps nothing for long.
func brokersClock(s *setup) {
	if err := s.log.EnsureStamped(s.ctx, s.topic, 3, time.Hour); err != nil {
		s.Fatal(err)
	}
	for range 3 {
		stamps := s.stamps(s.topic)
		for _, stamp := range stamps {
			if stamp.Answered.Before(stamp.Sent) || stamp.Time.Before(stamp.Sent.Truncate(time.Millisecond)) || stamp.Time.After(stamp.Answered) {
				s.Errorf("on one machine: sent %s, stamped %s, answered %s", stamp.Sent, stamp.Time, stamp.Answered)
			}
		}
		if len(stamps) == 0 {
			s.Error("no broker tells its clock")
		}
		leaders, err := s.log.Leaders(s.ctx, s.topic, s.topic+".none")
		asked := make([]int, len(stamps))
		for i, stamp := range stamps {
			asked[i] = stamp.Broker
		}
		slices.Sort(asked)
		if err != nil || !slices.Equal(leaders, asked) {
			s.Errorf("led by %v, %v; the clocks of %v were told", leaders, err, asked)
		}
	}
	plain := s.topic + ".plain"
	s.ensure(plain, 1)
	if got, err := s.log.Stamps(s.ctx, plain, time.Now); contracts.KindOf(err) != contracts.Conflict {
		s.Errorf("a topic that is not stamped tells %v, %v", got, err)
	}
}

// stamps asks again as long as a new topic's leaders are not known.
func (s *setup) stamps(topic string) []eventlog.Stamp {
	s.Helper()
	for {
		stamps, err := s.log.Stamps(s.ctx, topic, time.Now)
		if err == nil {
			return stamps
		}
		if contracts.KindOf(err) != contracts.Unavailable || s.ctx.Err() != nil {
			s.Fatal(err)
		}
		s.tick()
	}
}

// tick waits until the clock that a log stamps by has moved, in milliseconds.
func (s *setup) tick() {
	s.Helper()
	select {
	case <-time.After(20 * time.Millisecond):
	case <-s.ctx.Done():
		s.Fatal("gave up waiting for the clock")
	}
}
