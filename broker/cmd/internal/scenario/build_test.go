//go:build faults

package scenario

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
)

// programs are built once: the broker with its faults, as one process and lean, and the checker.
var programs = struct{ dir, broker, lean, checker string }{}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "efa-scenario-")
	if err != nil {
		panic(err)
	}
	programs.dir, programs.checker = dir, filepath.Join(dir, "ledgercheck")
	programs.broker, programs.lean = filepath.Join(dir, "standalone"), filepath.Join(dir, "efabroker")
	build(programs.broker, "standalone", "-tags", "faults")
	build(programs.lean, "efabroker", "-tags", "faults")
	build(programs.checker, "ledgercheck")
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(to, program string, flags ...string) {
	args := append(append([]string{"build", "-o", to}, flags...), "github.com/efa-broker/efa-broker/broker/cmd/"+program)
	if said, err := exec.CommandContext(context.Background(), "go", args...).CombinedOutput(); err != nil {
		panic(string(said))
	}
}

// TestAReleaseHoldsNoFault builds the broker as it is released, as one process and lean, and looks for every label; the
// builds with the tag hold them all, so the search can find them.
func TestAReleaseHoldsNoFault(t *testing.T) {
	t.Parallel()
	for name, faulty := range map[string]string{"standalone": programs.broker, "efabroker": programs.lean} {
		plain := filepath.Join(t.TempDir(), name)
		build(plain, name)
		holdsNoLabel(t, name, read(t, plain), read(t, faulty))
	}
}

func holdsNoLabel(t *testing.T, name string, released, broken []byte) {
	t.Helper()
	labels := []string{fault.EnvCrash, fault.EnvMutant, fault.EnvPanic}
	for _, p := range fault.Points() {
		labels = append(labels, string(p))
	}
	for _, m := range fault.Mutants() {
		labels = append(labels, string(m))
	}
	for _, b := range fault.Breakdowns() {
		labels = append(labels, string(b))
	}
	for _, label := range labels {
		if bytes.Contains(released, []byte(label)) {
			t.Errorf("the release of %s holds %s", name, label)
		}
		if !bytes.Contains(broken, []byte(label)) {
			t.Errorf("the build of %s with the tag does not hold %s", name, label)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
