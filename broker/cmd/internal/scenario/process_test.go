//go:build faults

package scenario

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/broker/internal/fault"
)

// orders are what a build with the tag faults is asked for.
type orders struct {
	// process names the one that is asked; empty for the standalone broker.
	process              string
	crash, mutant, panic string
}

func (o orders) environ() []string {
	return []string{fault.EnvCrash + "=" + o.crash, fault.EnvMutant + "=" + o.mutant, fault.EnvPanic + "=" + o.panic}
}

// form is how the broker runs: as one process, or as lean processes over engines of their own.
type form interface {
	// start starts what does not run, first the process that the orders are for, and returns it. Nothing else is started
	// when that one is dead before it is ready.
	start(o orders) *process
	// at is where the broker can be reached once everything is ready.
	at() address
	// ledger is the database that the checker reads.
	ledger() string
	// remains are the files and directories in which no content may stand.
	remains() []string
}

// address is where a broker can be reached, and how its event log is opened.
type address struct {
	api, issuer, kafka string
	// clients is the directory with the credentials of machine clients.
	clients string
	// sasl are the credentials of a user of the event log; nil when it asks nobody.
	sasl func(user string) *kafkalog.SASL
}

// process is a process of the broker.
type process struct {
	cmd  *exec.Cmd
	log  string
	died chan struct{}
	// ready is the first line that begins with the wanted word; empty when the process ended before.
	ready string
}

// launch starts a process, whose log grows in a file, and waits until it says that it is ready, or is dead.
func launch(tb testing.TB, log string, environ []string, ready, program string, args ...string) *process {
	tb.Helper()
	p := &process{cmd: exec.CommandContext(context.WithoutCancel(tb.Context()), program, args...), log: log, died: make(chan struct{})}
	p.cmd.Env = environ
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	to, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	p.cmd.Stderr = to
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.kill)
	lines := bufio.NewScanner(stdout)
	for p.ready == "" && lines.Scan() {
		if strings.HasPrefix(lines.Text(), ready) {
			p.ready = lines.Text()
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		_ = p.cmd.Wait()
		_ = to.Close()
		close(p.died)
	}()
	return p
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.died
}

func (p *process) dead() bool {
	select {
	case <-p.died:
		return true
	default:
		return false
	}
}

// lastOf is the end of the log, for a failed test: its directory goes with the test.
func (p *process) lastOf() string {
	raw, _ := os.ReadFile(p.log)
	return string(raw[max(0, len(raw)-2000):])
}

// plain is the environment of the test without settings of the broker, which refuses those of the tests.
func plain() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "EFA_") })
}

// single is the broker in one process, with its engines.
type single struct {
	tb  testing.TB
	dir string
	// register is the file with the keys of the authorities that speak Kafka.
	register string
}

func (f *single) start(o orders) *process {
	f.tb.Helper()
	return launch(f.tb, f.dir+".log", append(plain(), o.environ()...), "Bereit.",
		programs.broker, "serve", "--data", f.dir, "--listen", "127.0.0.1:0", "--kafka-listen", "127.0.0.1:0",
		"--temporal-listen", "127.0.0.1:0", "--offices", "none", "--log-format", "json", "--authority-keys", f.register)
}

func (f *single) ledger() string { return filepath.Join(f.dir, "ledger.db") }

func (f *single) remains() []string { return []string{f.dir, f.dir + ".log"} }
