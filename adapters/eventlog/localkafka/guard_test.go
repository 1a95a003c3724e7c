package localkafka

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/contracts"
)

const testTopic = "efa.test"

func startTest(t *testing.T, dir string) *Handle {
	t.Helper()
	h, err := Start(t.Context(), Config{Dir: dir, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopTest(t, h) })
	return h
}

func stopTest(t *testing.T, h *Handle) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	if err := h.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func adminOf(t *testing.T, h *Handle) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(h.Addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

func logOf(t *testing.T, h *Handle) *kafkalog.Log {
	t.Helper()
	l, err := kafkalog.New(kafkalog.Config{
		Brokers: []string{h.Addr}, HeartbeatInterval: 100 * time.Millisecond,
		Retry:  eventlog.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func fill(t *testing.T, l *kafkalog.Log, n int, at time.Time) {
	t.Helper()
	if err := l.EnsureTopic(t.Context(), testTopic, 1); err != nil {
		t.Fatal(err)
	}
	var records []eventlog.Record
	for i := range n {
		records = append(records, eventlog.Record{Topic: testTopic, Key: "case", Value: []byte(strconv.Itoa(i)), Time: at})
	}
	if err := l.Publish(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
}

func committed(t *testing.T, admin *kadm.Client, group string) int64 {
	t.Helper()
	offsets, err := admin.FetchOffsets(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := offsets.Lookup(testTopic, 0)
	return o.At
}

func TestACommitBehindTheLogIsSetBackBeforeAnyConsumer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startTest(t, dir)
	fill(t, logOf(t, h), 10, time.Now())
	admin := adminOf(t, h)
	for group, at := range map[string]int64{"ahead": 11, "level": 10, "behind": 4} {
		o := kadm.Offsets{}
		o.AddOffset(testTopic, 0, at, -1)
		if err := admin.CommitAllOffsets(t.Context(), group, o); err != nil {
			t.Fatal(err)
		}
	}
	stopTest(t, h)

	admin = adminOf(t, startTest(t, dir))
	got := map[string]int64{}
	for _, group := range []string{"ahead", "level", "behind"} {
		got[group] = committed(t, admin, group)
	}
	if diff := cmp.Diff(map[string]int64{"ahead": 0, "level": 10, "behind": 4}, got); diff != "" {
		t.Errorf("committed offsets (-want +got):\n%s", diff)
	}
}

func TestTheGuardLeavesATopicAloneThatIsGone(t *testing.T) {
	t.Parallel()
	o := kadm.Offsets{}
	o.AddOffset("gone", 0, 99, -1)
	o.AddOffset("there", 0, 99, -1)
	o.AddOffset("broken", 0, 99, -1)
	listed := func(offset int64) kadm.ListedOffsets {
		return kadm.ListedOffsets{
			"there":  {0: {Topic: "there", Offset: offset}},
			"broken": {0: {Topic: "broken", Offset: offset, Err: context.DeadlineExceeded}},
		}
	}
	want := kadm.Offsets{}
	want.AddOffset("there", 0, 3, -1)
	if diff := cmp.Diff(want, beyond(o, listed(3), listed(50))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNothingIsEverDeleted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startTest(t, dir)
	fill(t, logOf(t, h), 10, time.Now().AddDate(-1, 0, 0))
	check := func(h *Handle) {
		t.Helper()
		h.cluster.ApplyRetention()
		h.cluster.Compact()
		starts, err := adminOf(t, h).ListStartOffsets(t.Context(), testTopic)
		if err != nil {
			t.Fatal(err)
		}
		if o, _ := starts.Lookup(testTopic, 0); o.Offset != 0 {
			t.Errorf("log starts at %d, want 0", o.Offset)
		}
	}
	check(h)
	stopTest(t, h)
	h = startTest(t, dir)
	check(h)
	configs, err := adminOf(t, h).DescribeBrokerConfigs(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range configs[0].Configs {
		got[c.Key] = c.MaybeValue()
	}
	for key, want := range map[string]string{
		"log.cleaner.backoff.ms": never, "log.retention.ms": "-1", "log.retention.bytes": "-1",
		"offsets.retention.minutes": "2147483647", "log.segment.bytes": "16777216",
	} {
		if got[key] != want {
			t.Errorf("%s = %q, want %q", key, got[key], want)
		}
	}
}

func TestStopDoesNotWaitLongerThanItsContext(t *testing.T) {
	t.Parallel()
	h := &Handle{stopped: make(chan struct{})}
	h.stop.Do(func() {}) // somebody else is stopping it
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Stop(ended); contracts.KindOf(err) != contracts.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	close(h.stopped)
	if err := h.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
