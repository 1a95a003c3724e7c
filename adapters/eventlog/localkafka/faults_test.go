package localkafka

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
)

// The embedded broker can be made to answer like a real one in trouble: these tests hold kafkalog to that.

func keys(k ...kmsg.Key) []kmsg.Key { return k }

func TestPublishWaitsOutPassingErrors(t *testing.T) {
	t.Parallel()
	h := startTest(t, t.TempDir())
	l := logOf(t, h)
	fill(t, l, 1, time.Now())
	for _, passing := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.NotEnoughReplicas, kerr.RequestTimedOut} {
		fault := h.cluster.Fault(kfake.Fault{Keys: keys(kmsg.Produce), Err: passing, Count: 3})
		if err := l.Publish(t.Context(), eventlog.Record{Topic: testTopic, Key: "case", Value: []byte("v")}); err != nil {
			t.Errorf("%v: %v", passing, err)
		}
		if hits := fault.Hits(); hits != 3 {
			t.Errorf("%v: answered %d times, want 3", passing, hits)
		}
	}
}

func TestPublishReturnsFinalErrorsAtOnce(t *testing.T) {
	t.Parallel()
	h := startTest(t, t.TempDir())
	l := logOf(t, h)
	fill(t, l, 1, time.Now())
	for final, kind := range map[*kerr.Error]contracts.Kind{
		kerr.UnknownServerError:       contracts.Unavailable, // a full disk
		kerr.MessageTooLarge:          contracts.TooLarge,
		kerr.TopicAuthorizationFailed: contracts.Denied,
	} {
		fault := h.cluster.Fault(kfake.Fault{Keys: keys(kmsg.Produce), Err: final, Count: -1})
		err := l.Publish(t.Context(), eventlog.Record{Topic: testTopic, Key: "case", Value: []byte("v")})
		fault.Remove()
		if err == nil || contracts.KindOf(err) != kind {
			t.Errorf("%v: got %v, want kind %v", final, err, kind)
		}
		if hits := fault.Hits(); hits != 1 {
			t.Errorf("%v: asked %d times, want once", final, hits)
		}
	}
}

// consumeAll handles records until n have come and returns them.
func consumeAll(t *testing.T, l eventlog.Log, n int) []eventlog.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []eventlog.Record
	err := l.Consume(ctx, "reader", []string{testTopic}, func(_ context.Context, batch []eventlog.Record) error {
		if got = append(got, batch...); len(got) >= n {
			cancel()
		}
		return nil
	})
	if err != nil || len(got) < n {
		t.Fatalf("%d of %d records came: %v", len(got), n, err)
	}
	return got
}

func TestConsumeOutlastsABrokerThatIsNotReady(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault kfake.Fault
	}{
		{"coordinator not available", kfake.Fault{Keys: keys(kmsg.FindCoordinator), Err: kerr.CoordinatorNotAvailable, Count: 2}},
		{"coordinator loading", kfake.Fault{Keys: keys(kmsg.JoinGroup), Err: kerr.CoordinatorLoadInProgress, Count: 2}},
		{"rebalance in progress", kfake.Fault{Keys: keys(kmsg.SyncGroup), Err: kerr.RebalanceInProgress, Count: 2}},
		{"offsets not readable", kfake.Fault{Keys: keys(kmsg.OffsetFetch), Err: kerr.NotCoordinator, Count: 1, TopLevel: true}},
		{"first offset not readable", kfake.Fault{Keys: keys(kmsg.ListOffsets), Err: kerr.NotLeaderForPartition, Count: 2}},
		{"fetch not possible", kfake.Fault{Keys: keys(kmsg.Fetch), Err: kerr.NotLeaderForPartition, Count: 3}},
		{"not allowed for a while", kfake.Fault{Keys: keys(kmsg.Fetch), Err: kerr.TopicAuthorizationFailed, Count: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := startTest(t, t.TempDir())
			l := logOf(t, h)
			fill(t, l, 5, time.Now())
			fault := h.cluster.Fault(c.fault)
			if got := consumeAll(t, l, 5); len(got) != 5 || got[0].Offset != 0 {
				t.Errorf("%d records from %d came, want each of 5 once", len(got), got[0].Offset)
			}
			if hits := fault.Hits(); hits != c.fault.Count {
				t.Errorf("the broker refused %d times, want %d", hits, c.fault.Count)
			}
		})
	}
}

func TestARefusedCommitHandsTheBatchOverAgain(t *testing.T) {
	t.Parallel()
	for _, refusal := range []*kerr.Error{kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.CoordinatorLoadInProgress} {
		t.Run(refusal.Message, func(t *testing.T) {
			t.Parallel()
			h := startTest(t, t.TempDir())
			l := logOf(t, h)
			fill(t, l, 5, time.Now())
			h.cluster.Fault(kfake.Fault{Keys: keys(kmsg.OffsetCommit), Err: refusal, Count: 1})
			got := consumeAll(t, l, 10)
			if len(got) != 10 || got[5].Offset != 0 {
				t.Errorf("%d records came, the sixth at %d; want the same five again", len(got), got[5].Offset)
			}
			if at := committed(t, adminOf(t, h), "reader"); at != 5 {
				t.Errorf("committed is %d, want 5", at)
			}
		})
	}
}

func TestConsumeGoesOnWhenTheLogWasCutInFrontOfIt(t *testing.T) {
	t.Parallel()
	h := startTest(t, t.TempDir())
	l := logOf(t, h)
	fill(t, l, 5, time.Now())
	if at := consumeAll(t, l, 5); at[0].Offset != 0 {
		t.Fatalf("first offset is %d", at[0].Offset)
	}
	fault := h.cluster.Fault(kfake.Fault{Keys: keys(kmsg.Fetch), Err: kerr.OffsetOutOfRange, Count: 1})
	if got := consumeAll(t, l, 5); got[0].Offset != 0 {
		t.Errorf("goes on at %d, want the first offset of the log", got[0].Offset)
	}
	if fault.Hits() != 1 {
		t.Error("the broker was not asked")
	}
}

// fetches counts how often a consumer asks while it gets nothing for three seconds. A nil answer leaves it to the
// broker.
func fetches(t *testing.T, answer func(*kmsg.FetchRequest) *kmsg.FetchResponse) (count int) {
	t.Helper()
	h := startTest(t, t.TempDir())
	l := logOf(t, h)
	fill(t, l, 1, time.Now())
	h.cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		h.cluster.KeepControl()
		count++ // on the broker's goroutine, which has ended when count is returned
		if answer == nil {
			return nil, nil, false
		}
		return answer(req.(*kmsg.FetchRequest)), nil, true
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := l.Consume(ctx, "reader", []string{testTopic}, func(context.Context, []eventlog.Record) error { return nil }); err != nil {
		t.Fatal(err)
	}
	stopTest(t, h)
	return count
}

func TestAnIdleConsumerDoesNotSpin(t *testing.T) {
	t.Parallel()
	if n := fetches(t, nil); n < 2 || n > 12 {
		t.Errorf("%d fetches in 3 s; each waits half a second", n)
	}
}

func TestAConsumerDoesNotSpinWhenTheBrokerHandsNothingOut(t *testing.T) {
	t.Parallel()
	// The pauses of this client grow to 20 ms only: about 150 requests, not the thousands of a loop without pause.
	if n := fetches(t, emptyFetch); n < 10 || n > 300 {
		t.Errorf("%d fetches in 3 s", n)
	}
}

// emptyFetch says that there are records, and holds none.
func emptyFetch(req *kmsg.FetchRequest) *kmsg.FetchResponse {
	res := req.ResponseKind().(*kmsg.FetchResponse)
	topic := kmsg.NewFetchResponseTopic()
	topic.Topic = req.Topics[0].Topic
	topic.TopicID = req.Topics[0].TopicID
	partition := kmsg.NewFetchResponseTopicPartition()
	partition.Partition = req.Topics[0].Partitions[0].Partition
	partition.HighWatermark = 100
	topic.Partitions = append(topic.Partitions, partition)
	res.Topics = append(res.Topics, topic)
	return res
}

func TestPingAsksTheBrokerItself(t *testing.T) {
	t.Parallel()
	h := startTest(t, t.TempDir())
	l := logOf(t, h)
	if err := l.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	stopTest(t, h)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := l.Ping(ctx); contracts.KindOf(err) != contracts.Unavailable || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a refused connection", err)
	}
}
