//go:build !race

// The race detector keeps memory of its own for what a process reads, so this is measured without it.
package localkafka_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/localkafka"
)

// residentKiB is how much memory a process occupies.
func residentKiB(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if rest, found := bytes.CutPrefix(line, []byte("VmRSS:")); found {
			n, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("the system does not tell")
	return 0
}

// kfake reads every segment when it starts; the wrapper gives that memory back, so that what is stored costs next to none.
func TestWhatIsStoredCostsNoMemoryAfterAStart(t *testing.T) {
	t.Parallel()
	const stored = 48 << 20
	dir := t.TempDir()
	h := start(t, localkafka.Config{Dir: dir})
	l := client(t, h.Addr)
	if err := l.EnsureTopic(t.Context(), topic, 1); err != nil {
		t.Fatal(err)
	}
	record := eventlog.Record{Topic: topic, Key: "case", Value: bytes.Repeat([]byte("x"), 48<<10)}
	for range stored / len(record.Value) / 16 {
		batch := make([]eventlog.Record, 16)
		for i := range batch {
			batch[i] = record
		}
		if err := l.Publish(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
	stop(t, h)

	empty := spawn(t, t.TempDir(), "127.0.0.1:0")
	defer empty.kill()
	full := spawn(t, dir, "127.0.0.1:0")
	defer full.kill()
	base, now := residentKiB(t, empty.cmd.Process.Pid), residentKiB(t, full.cmd.Process.Pid)
	t.Logf("%d KiB without records, %d KiB with %d KiB of them", base, now, stored>>10)
	if now-base > stored>>10/4 {
		t.Errorf("%d KiB of records cost %d KiB of memory", stored>>10, now-base)
	}
}
