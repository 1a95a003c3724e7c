//go:build faults

package scenario

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/broker/internal/fault"
)

// Names of the lean processes, which are their commands.
const (
	serve  = "serve"
	worker = "worker"
)

// leanKills are the points of each lean process. Everybody but the worker of processes is in serve; an erasure begins there
// and is finished by whichever process starts next.
func leanKills() []kill {
	kills := []kill{{worker, fault.LedgerAppended}, {worker, fault.StepCommitted}}
	for _, p := range fault.Points() {
		if p != fault.StepCommitted {
			kills = append(kills, kill{serve, p})
		}
	}
	return append(kills, kill{serve, fault.ErasureJournalled}, kill{worker, fault.ErasureKeyDeleted}, kill{worker, fault.ErasureRewrapped})
}

// TestEveryRuleHoldsWhereverALeanProcessIsKilled does the same on the production form: Apache Kafka, PostgreSQL and
// Temporal go on while serve or worker dies, and while the other one works.
func TestEveryRuleHoldsWhereverALeanProcessIsKilled(t *testing.T) {
	if os.Getenv("PRODUCTION_FORM") == "" {
		t.Skip("PRODUCTION_FORM is not set: make lean-crash runs this on real engines")
	}
	cases, seeds := extent()
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w := newWorld(t)
			w.form = newLean(t, w.speakers)
			killEverywhere(t, w, leanKills(), cases, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

// lean is the production form of deploy/local, whose processes of the broker are started here instead.
type lean struct {
	tb      testing.TB
	state   string
	environ []string
	running map[string]*process
}

// newLean starts the whole form with programs that hold faults, learns how its processes are started, and ends them.
func newLean(tb testing.TB, s speakers) *lean {
	tb.Helper()
	dir, err := os.MkdirTemp("", "efa-lean-") //nolint:usetesting // a short name: sockets lie in it
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL's user passes through it
		tb.Fatal(err)
	}
	f := &lean{tb: tb, state: filepath.Join(dir, "state"), running: map[string]*process{}}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	tb.Cleanup(func() { f.script("down", s) })
	f.script("up", s)
	for _, part := range []string{"broker-2", "broker-1", worker} {
		f.environ = f.end(part)
	}
	f.environ = append(slices.DeleteFunc(f.environ, func(v string) bool { return strings.HasPrefix(v, "EFA_LISTEN=") }),
		"EFA_LISTEN=127.0.0.1:0", "EFA_AUTHORITY_KEYS="+s.register)
	return f
}

// script runs one of deploy/local.
func (f *lean) script(name string, s speakers) {
	f.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../../../deploy/local/"+name)
	var speak []string
	for a := range s.keys {
		speak = append(speak, string(a))
	}
	cmd.Env = append(plain(), "LOCAL_STATE="+f.state, "LOCAL_BIN="+programs.dir, "LOCAL_OPERATOR="+string(operator), "LOCAL_AUTHORITIES="+strings.Join(speak, " "))
	if out, err := cmd.CombinedOutput(); err != nil {
		f.tb.Fatalf("%s: %v %s", name, err, out)
	}
}

// end ends a part that the script has started, and returns its environment.
func (f *lean) end(part string) []string {
	f.tb.Helper()
	var pid int
	_, err := fmt.Sscan(f.read("run/"+part+".pid"), &pid)
	if err != nil {
		f.tb.Fatal(err)
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		f.tb.Fatal(err)
	}
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		f.tb.Fatal(err)
	}
	return strings.Split(string(bytes.Trim(raw, "\x00")), "\x00")
}

func (f *lean) read(name string) string {
	f.tb.Helper()
	raw, err := os.ReadFile(filepath.Join(f.state, name))
	if err != nil {
		f.tb.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

// start implements form. A process that runs already and has other orders dies first.
func (f *lean) start(o orders) *process {
	f.tb.Helper()
	if o.process == "" {
		o.process = serve
	}
	if p := f.running[o.process]; p != nil {
		p.kill()
	}
	asked := f.launch(o.process, o)
	for _, other := range []string{worker, serve} {
		if p := f.running[other]; asked.ready != "" && (p == nil || p.dead()) {
			if f.launch(other, orders{}).ready == "" {
				f.tb.Fatalf("%s does not start any more: %s", other, f.running[other].lastOf())
			}
		}
	}
	return asked
}

func (f *lean) launch(name string, o orders) *process {
	f.tb.Helper()
	f.running[name] = launch(f.tb, filepath.Join(f.state, "log", "lean-"+name+".log"), append(slices.Clone(f.environ), o.environ()...), "ready ", programs.lean, name)
	return f.running[name]
}

// at implements form.
func (f *lean) at() address {
	f.tb.Helper()
	return address{
		api: strings.TrimPrefix(f.running[serve].ready, "ready api="), issuer: f.setting("EFA_OPENID_ISSUER"), kafka: f.setting("EFA_KAFKA_BROKERS"),
		clients: filepath.Join(f.state, "openid", "clients"),
		sasl: func(user string) *kafkalog.SASL {
			return &kafkalog.SASL{Mechanism: "SCRAM-SHA-256", Username: user, Password: f.read("secrets/kafka-" + user)}
		},
	}
}

func (f *lean) setting(name string) string {
	for _, v := range f.environ {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	f.tb.Fatalf("the processes have no %s", name)
	return ""
}

// ledger implements form.
func (f *lean) ledger() string { return f.read("secrets/ledger-url") }

// remains implements form.
func (f *lean) remains() []string {
	return []string{filepath.Join(f.state, "log"), filepath.Join(f.state, "broker"), filepath.Join(f.state, "kafka", "data")}
}
