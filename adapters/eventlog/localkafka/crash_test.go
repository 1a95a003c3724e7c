package localkafka_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/localkafka"
)

// Environment of the broker in a process of its own: this test binary, started by TestAcknowledgedRecordsSurviveKill.
const (
	envDir  = "LOCALKAFKA_TEST_DIR"
	envAddr = "LOCALKAFKA_TEST_ADDR"
)

func TestMain(m *testing.M) {
	if os.Getenv(envDir) == "" {
		os.Exit(m.Run())
	}
	h, err := localkafka.Start(context.Background(), localkafka.Config{Dir: os.Getenv(envDir), Addr: os.Getenv(envAddr)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(h.Addr)
	select {} // until the parent kills it
}

// process is a broker that can be killed.
type process struct {
	cmd  *exec.Cmd
	addr string
}

func spawn(t *testing.T, dir, addr string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), envDir+"="+dir, envAddr+"="+addr)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.kill()
		t.Fatalf("broker did not start: %v", err)
	}
	p.addr = strings.TrimSpace(line)
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// received counts what a consumer got.
type received struct {
	mu     sync.Mutex
	counts map[string]int
}

func (r *received) handle(_ context.Context, batch []eventlog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range batch {
		r.counts[string(rec.Value)]++
	}
	return nil
}

func (r *received) missing(acked []string) (missing []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range acked {
		if r.counts[v] == 0 {
			missing = append(missing, v)
		}
	}
	return missing
}

func TestAcknowledgedRecordsSurviveKill(t *testing.T) {
	t.Parallel()
	const kills, producers = 4, 3
	dir := t.TempDir()
	p := spawn(t, dir, "127.0.0.1:0")
	defer func() { p.kill() }()
	l := client(t, p.addr)
	if err := l.EnsureTopic(t.Context(), topic, 3); err != nil {
		t.Fatal(err)
	}

	ctx, stopConsumer := context.WithCancel(t.Context())
	in := &received{counts: map[string]int{}}
	consumed := make(chan error, 1)
	go func() { consumed <- l.Consume(ctx, group, []string{topic}, in.handle) }()

	producing, stopProducers := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var ackedCount atomic.Int64
	acked := make([][]string, producers)
	for i := range producers {
		wg.Go(func() { acked[i] = produceUntil(producing, t, client(t, p.addr), i, &ackedCount) })
	}
	for range kills {
		awaitMore(t, &ackedCount, 50)
		p.kill()
		p = spawn(t, dir, p.addr)
	}
	awaitMore(t, &ackedCount, 50)
	stopProducers()
	wg.Wait()

	all := slices.Concat(acked...)
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for missing := in.missing(all); len(missing) > 0; missing = in.missing(all) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d of %d acknowledged records are missing, among them %s", len(missing), len(all), missing[0])
		}
	}
	stopConsumer()
	if err := <-consumed; err != nil {
		t.Error(err)
	}
	repeats := 0
	for n := range maps.Values(in.counts) {
		repeats += n - 1
	}
	t.Logf("%d acknowledged, 0 missing, %d repeated, %d kills", len(all), repeats, kills)
}

// produceUntil publishes one record after the other and returns those that were acknowledged.
func produceUntil(ctx context.Context, t *testing.T, l eventlog.Log, producer int, count *atomic.Int64) (acked []string) {
	t.Helper()
	for n := 0; ctx.Err() == nil; n++ {
		value := fmt.Sprintf("%d/%d", producer, n)
		err := l.Publish(context.WithoutCancel(ctx), eventlog.Record{Topic: topic, Key: value, Value: []byte(value)})
		if err != nil {
			t.Errorf("publish gave up: %v", err)
			return acked
		}
		acked = append(acked, value)
		count.Add(1)
	}
	return acked
}

// awaitMore waits until the counter has grown by n.
func awaitMore(t *testing.T, count *atomic.Int64, n int64) {
	t.Helper()
	want := count.Load() + n
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for count.Load() < want {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("only %d of %d records were acknowledged", count.Load(), want)
		}
	}
}
