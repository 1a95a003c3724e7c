package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// process is a standalone broker in a process of its own.
type process struct {
	*house
	cmd *exec.Cmd
}

// spawn starts `standalone serve` on dir and waits until it says that it is ready.
func spawn(t *testing.T, dir, offices string) *process {
	t.Helper()
	program, err := exec.LookPath("standalone")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	cmd := exec.CommandContext(ctx, program, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--kafka-listen", "127.0.0.1:0",
		"--temporal-listen", "127.0.0.1:0", "--offices", offices, "--log-format", "json")
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "EFA_") }) // it refuses a setting of the tests
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(filepath.Join(t.TempDir(), "log"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, house: &house{tb: t}}
	t.Cleanup(p.kill)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "Bereit.") {
			p.program = endpointOf(t, dir)
			return p
		}
	}
	said, _ := os.ReadFile(log.Name())
	t.Fatalf("the broker did not start: %s", said)
	return nil
}

// endpointOf reads where the broker of a data directory listens.
func endpointOf(t *testing.T, dir string) *program {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "endpoint.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e endpoint
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return &program{cfg: options(dir), api: e.API, issuer: e.Issuer, kafkaAddr: e.Kafka}
}

// kill ends the process as a power cut would, without a chance to tidy up.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// TestACaseContinuesAfterKill9 kills the broker after the acknowledgement and at three further places of the same case;
// the case ends complete, each effect once, and every receipt verifies.
func TestACaseContinuesAfterKill9(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, dir, "none")
	pkg := packageOf(t, registration)
	caseID := p.submit(example(t, pkg, exampleNames(pkg)[0])) // acknowledged, nothing more
	p.kill()
	for _, seen := range []int{4, 8, 14} {
		p = spawn(t, dir, "all")
		before := p.events(caseID, func(e []event.Recorded) bool { return len(e) >= seen })
		p.kill()
		if courseOf(t, before).closed && seen < 14 {
			t.Fatalf("the case was closed after %d events, so nothing was interrupted", len(before))
		}
	}
	started := time.Now()
	p = spawn(t, dir, "all")
	first := p.whole(caseID)
	second := p.whole(first.second)
	t.Logf("complete %s after the last start", time.Since(started).Round(time.Millisecond))
	wantOnce(t, first, 12, 2)
	wantOnce(t, second, 13, 0)
	disclosure := map[authority.ID]string{}
	for _, d := range p.disclosures(caseID) { // a repeated fetch is a new decision under the same disclosure
		if first, ok := disclosure[d.Recipient]; ok && first != d.ID {
			t.Errorf("%s has two disclosures of one content for one purpose", d.Recipient)
		}
		disclosure[d.Recipient] = d.ID
	}
	p.verified()
}

// wantOnce checks that each effect of a case happened once.
func wantOnce(t *testing.T, c course, announced, tasks int) {
	t.Helper()
	count := map[string]int{}
	for i, e := range c.events {
		count[e.Type]++
		if e.CaseSeq != int64(i)+1 {
			t.Errorf("event %d has case_seq %d", i, e.CaseSeq)
		}
	}
	for _, typ := range []string{event.TypeCaseSubmitted, event.TypeCaseClosed, event.TypeCaseLinked} {
		if count[typ] != 1 {
			t.Errorf("%s happened %d times", typ, count[typ])
		}
	}
	if count[event.TypeTaskAssigned] != tasks || count[event.TypeTaskCompleted] != tasks || count[event.TypeContentAnnounced] != announced {
		t.Errorf("tasks and announcements: %v", count)
	}
	told := map[authority.ID]bool{}
	for _, a := range c.announced {
		if told[a] {
			t.Errorf("%s was told twice", a)
		}
		told[a] = true
	}
}

func TestASecondStartOnTheSameDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spawn(t, dir, "none")
	var stdout, stderr strings.Builder
	code := Main{Args: []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--kafka-listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0"}, Stdout: &stdout, Stderr: &stderr}.Run(t.Context())
	if code != exitFailed || !strings.Contains(stderr.String(), dir) || !strings.Contains(stderr.String(), "in use") {
		t.Errorf("code %d, said %s", code, stderr.String())
	}
}

func TestCtrlCShutsDownCleanly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := spawn(t, dir, "all")
	pkg := packageOf(t, registration)
	p.submit(example(t, pkg, exampleNames(pkg)[0]))
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "endpoint.json")); err == nil {
		t.Error("endpoint.json still names an address")
	}
}
