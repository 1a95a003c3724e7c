package localkafka_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/localkafka"
	"github.com/efa-broker/efa-broker/contracts"
)

const (
	topic = "efa.test"
	group = "reader"
)

func start(t *testing.T, cfg localkafka.Config) *localkafka.Handle {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	h, err := localkafka.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, h) })
	return h
}

func stop(t *testing.T, h *localkafka.Handle) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	if err := h.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func client(t *testing.T, addr string) *kafkalog.Log {
	t.Helper()
	l, err := kafkalog.New(kafkalog.Config{
		Brokers: []string{addr}, HeartbeatInterval: 100 * time.Millisecond, MaxBatch: 10,
		Retry:  eventlog.Backoff{Min: 10 * time.Millisecond, Max: 200 * time.Millisecond},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func publish(t *testing.T, l *kafkalog.Log, from, to int) {
	t.Helper()
	if err := l.EnsureTopic(t.Context(), topic, 1); err != nil {
		t.Fatal(err)
	}
	var records []eventlog.Record
	for n := from; n < to; n++ {
		records = append(records, eventlog.Record{Topic: topic, Key: "case", Value: fmt.Appendf(nil, "%d", n)})
	}
	if err := l.Publish(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
}

// consume reads until the record with the given offset has been handled and committed, and returns the first offset.
func consume(t *testing.T, l *kafkalog.Log, until int64) (first int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	first = -1
	done := false
	err := l.Consume(ctx, group, []string{topic}, func(_ context.Context, batch []eventlog.Record) error {
		if first < 0 {
			first = batch[0].Offset
		}
		if batch[len(batch)-1].Offset >= until {
			done = true
			cancel()
		}
		return nil
	})
	if err != nil || !done {
		t.Fatalf("offset %d was not reached: %v", until, err)
	}
	return first
}

// crashCopy is the data directory as a crash would leave it now.
func crashCopy(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func appendTo(t *testing.T, path string, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheDirectoryIsUsedByOneBrokerAtATime(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kafka")
	h := start(t, localkafka.Config{Dir: dir})
	_, err := localkafka.Start(t.Context(), localkafka.Config{Dir: dir})
	if contracts.KindOf(err) != contracts.Conflict || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), dir) {
		t.Fatalf("got %v, want a conflict that names the directory in use", err)
	}
	publish(t, client(t, h.Addr), 0, 1)
	stop(t, h)
	start(t, localkafka.Config{Dir: dir})
}

func TestTheDirectoryIsClosedToOthers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "kafka")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	start(t, localkafka.Config{Dir: dir})
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode is %v, %v; want 0700", info.Mode().Perm(), err)
	}
}

func TestTheBrokerListensWhereItIsTold(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	h := start(t, localkafka.Config{Dir: t.TempDir(), Addr: addr})
	if h.Addr != addr {
		t.Errorf("listens on %s, want %s", h.Addr, addr)
	}
	publish(t, client(t, addr), 0, 1)

	dir := t.TempDir()
	if _, err := localkafka.Start(t.Context(), localkafka.Config{Dir: dir, Addr: addr}); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("got %v, want kind unavailable for a taken port", err)
	}
	start(t, localkafka.Config{Dir: dir}) // the failed start has given its lock back
}

func TestAFaultyConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]localkafka.Config{
		"no directory":   {},
		"all interfaces": {Dir: "x", Addr: "0.0.0.0:9092"},
		"no host":        {Dir: "x", Addr: ":9092"},
		"host name":      {Dir: "x", Addr: "localhost:9092"},
		"no port":        {Dir: "x", Addr: "127.0.0.1"},
		"port too large": {Dir: "x", Addr: "127.0.0.1:70000"},
		"tiny segments":  {Dir: "x", SegmentBytes: 1},
	} {
		if _, err := localkafka.Start(t.Context(), cfg); err == nil || contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: got %v, want kind invalid", name, err)
		}
	}
	err := localkafka.Config{Addr: "x", SegmentBytes: -1}.Validate()
	for _, field := range []string{"dir:", "addr:", "segment_bytes:"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}

func TestCommitsSurviveATornTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := start(t, localkafka.Config{Dir: dir})
	l := client(t, h.Addr)
	publish(t, l, 0, 10)
	consume(t, l, 9)

	torn := crashCopy(t, dir)
	appendTo(t, filepath.Join(torn, "groups.log"), []byte("7 bytes"))
	log := &journal{}
	h = start(t, localkafka.Config{Dir: torn, Logger: log.logger()})
	if got := log.find("torn tail of a log was cut off"); got["file"] != "groups.log" || got["bytes"] != 7.0 {
		t.Errorf("the repair is logged as %v", got)
	}
	l = client(t, h.Addr)
	publish(t, l, 10, 90)
	if first := consume(t, l, 89); first != 10 {
		t.Errorf("after the torn tail the group goes on at %d, want 10", first)
	}

	h = start(t, localkafka.Config{Dir: crashCopy(t, torn)})
	l = client(t, h.Addr)
	publish(t, l, 90, 91)
	if first := consume(t, l, 90); first != 90 {
		t.Errorf("after a second crash the group goes on at %d, want 90", first)
	}
}

func TestRecordsSurviveATornSegment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := client(t, start(t, localkafka.Config{Dir: dir}).Addr)
	publish(t, l, 0, 20)

	torn := crashCopy(t, dir)
	segments, err := filepath.Glob(filepath.Join(torn, "partitions", "*", "*.dat"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v, %v; want one", segments, err)
	}
	appendTo(t, segments[0], make([]byte, 100))
	l = client(t, start(t, localkafka.Config{Dir: torn}).Addr)
	publish(t, l, 20, 30)
	if first := consume(t, l, 29); first != 0 {
		t.Errorf("first record has offset %d, want 0", first)
	}
}

func TestSyncWritesKeepTheContract(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := client(t, start(t, localkafka.Config{Dir: dir, SyncWrites: true}).Addr)
	publish(t, l, 0, 10)
	consume(t, l, 9)
	l = client(t, start(t, localkafka.Config{Dir: crashCopy(t, dir)}).Addr)
	publish(t, l, 10, 11)
	if first := consume(t, l, 10); first != 10 {
		t.Errorf("the group goes on at %d, want 10", first)
	}
}

func TestAMemberThatWasLeftBehindHoldsNothingUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := start(t, localkafka.Config{Dir: dir})
	publish(t, client(t, h.Addr), 0, 10)
	ctx, cancel := context.WithCancel(t.Context())
	handled, ended := make(chan struct{}), make(chan error, 1)
	ghost := client(t, h.Addr)
	go func() {
		ended <- ghost.Consume(ctx, group, []string{topic}, func(context.Context, []eventlog.Record) error {
			close(handled)
			return nil
		})
	}()
	<-handled
	stop(t, h) // before its consumer
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	l := client(t, start(t, localkafka.Config{Dir: dir}).Addr)
	publish(t, l, 10, 11)
	begin := time.Now()
	consume(t, l, 10)
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("the first record took %v: a ghost held the partition for its session timeout", took)
	}
}

func TestStartAndStopManyTimes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 20 {
		h, err := localkafka.Start(t.Context(), localkafka.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 2)
		for range 2 {
			go func() { done <- h.Stop(t.Context()) }()
		}
		if err := errors.Join(<-done, <-done, h.Stop(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}

// journal keeps log lines as JSON.
type journal struct{ buf bytes.Buffer }

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(&j.buf, nil)) }

// find returns the first line with the message.
func (j *journal) find(message string) map[string]any {
	for line := range strings.Lines(j.buf.String()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == message {
			return fields
		}
	}
	return nil
}
