package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/efa-broker/efa-broker/adapters/eventlog/localkafka"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/assembly"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/openid"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/workflows/localtemporal"
)

// leanHouse is the production form but for its engines: PostgreSQL is real, event log and process engine are the
// embedded ones in the test's process, reached over their ports like any others.
type leanHouse struct {
	t       *testing.T
	program string
	dir     string
	issuer  string
	environ []string
}

// openLean starts the engines and migrates the databases.
func openLean(t *testing.T) *leanHouse {
	t.Helper()
	bin, err := commandLine()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h := &leanHouse{t: t, program: filepath.Join(bin, "efabroker"), dir: dir}
	ctx := context.WithoutCancel(t.Context())
	kafka, err := localkafka.Start(ctx, localkafka.Config{Dir: filepath.Join(dir, "kafka"), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	temporal := localtemporal.New(localtemporal.Config{Dir: filepath.Join(dir, "temporal")})
	if err := temporal.Start(ctx); err != nil {
		t.Fatal(err)
	}
	for _, stop := range []func(context.Context) error{kafka.Stop, temporal.Stop} {
		t.Cleanup(func() {
			if err := stop(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	ledger, keys := sqlstoretest.Database(t), sqlstoretest.KeyDatabase(t)
	h.environ = []string{
		"TZ=UTC", "HOME=" + dir, "EFA_DATA=" + filepath.Join(dir, "data"), "EFA_LISTEN=127.0.0.1:0", "EFA_LEDGER_URL=" + ledger, "EFA_KEYSTORE_URL=" + keys,
		"EFA_KAFKA_BROKERS=" + kafka.Addr, "EFA_TEMPORAL_ADDRESS=" + temporal.HostPort(), "EFA_DRAIN_DELAY=1s", "EFA_LOG_FORMAT=json",
	}
	h.provider(ctx, ledger, keys)
	return h
}

// provider migrates, and registers a client for every authority at an OpenID provider of its own.
func (h *leanHouse) provider(ctx context.Context, ledger, keys string) {
	h.t.Helper()
	l, err := httpserver.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	h.issuer = "http://" + l.Addr().String() + "/oidc"
	h.environ = append(h.environ, "EFA_OPENID_ISSUER="+h.issuer, "EFA_OPENID_JWKS="+h.issuer+"/jwks")
	if out, code := h.run("serve"); code != 10 || !strings.Contains(out, "efabroker migrate") {
		h.t.Errorf("on empty databases: exit code %d, %s", code, out)
	}
	if out, code := h.run("migrate"); code != 0 {
		h.t.Fatalf("migrate: %s", out)
	}
	broker, err := assembly.Open(ctx, assembly.Config{Dir: filepath.Join(h.dir, "data"), LedgerURL: ledger, KeysURL: keys, Migrated: true, Operator: operator})
	if err != nil {
		h.t.Fatal(err)
	}
	authorities, err := broker.Authorities(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := broker.Stop(ctx); err != nil {
		h.t.Fatal(err)
	}
	clients, err := registerClients(filepath.Join(h.dir, "data", "clients"), assembly.Machines(operator, authorities), "http://127.0.0.1:1")
	if err != nil {
		h.t.Fatal(err)
	}
	p, err := openid.New(openid.Config{Dir: filepath.Join(h.dir, "openid"), Issuer: h.issuer, Clients: clients})
	if err != nil {
		h.t.Fatal(err)
	}
	server := &http.Server{Handler: p.Handler()}
	go func() { _ = server.Serve(l) }()
	h.t.Cleanup(func() { _ = server.Close() })
}

// run runs a command to its end and returns what it said and its exit code.
func (h *leanHouse) run(args ...string) (string, int) {
	cmd := exec.Command(h.program, args...)
	cmd.Env = h.environ
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// leanProcess is a running serve or worker.
type leanProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *bufio.Scanner
	log    string
	// ready is what its first line says behind "ready ".
	ready string
}

func (h *leanHouse) start(command string) *leanProcess {
	h.t.Helper()
	p := &leanProcess{t: h.t, cmd: exec.Command(h.program, command), log: filepath.Join(h.t.TempDir(), "log")}
	p.cmd.Env = h.environ
	log, err := os.Create(p.log)
	if err != nil {
		h.t.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	p.stdout = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	p.stdout.Scan()
	ready, found := strings.CutPrefix(p.stdout.Text(), "ready ")
	if !found {
		h.t.Fatalf("%s did not start: %q, %s", command, p.stdout.Text(), p.said())
	}
	p.ready = ready
	return p
}

func (p *leanProcess) said() string {
	raw, _ := os.ReadFile(p.log)
	return string(raw)
}

// stop tells the process to stop, looks at it while it drains, and waits until it has ended.
func (p *leanProcess) stop(draining func()) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if !p.stdout.Scan() || p.stdout.Text() != "stopping" {
		p.t.Errorf("said %q: %s", p.stdout.Text(), p.said())
	}
	draining()
	if p.stdout.Scan() {
		p.t.Errorf("said %q", p.stdout.Text())
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("ended with %v: %s", err, p.said())
	}
}

func (p *leanProcess) status(url string) int {
	p.t.Helper()
	res, err := http.Get(url)
	if err != nil {
		p.t.Error(err)
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func (h *leanHouse) api(p *leanProcess) string {
	h.t.Helper()
	api, found := strings.CutPrefix(p.ready, "api=")
	if !found {
		h.t.Fatalf("ready where? %q", p.ready)
	}
	return api
}

// Two replicas of serve and one worker, over PostgreSQL: the move goes through, whichever replica is asked, and goes
// through again when one of them is gone.
func TestTheMoveRunsOnPostgreSQLWithTwoLeanReplicas(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	h := openLean(t)
	worker := h.start("worker")
	first, second := h.start("serve"), h.start("serve")
	for i, at := range []*leanProcess{first, second} {
		out, code := h.run("demo", "--server", h.api(at), "--issuer", h.issuer)
		if code != 0 {
			t.Fatalf("exit code %d: %s\nfirst: %s\nsecond: %s\nworker: %s", code, out, first.said(), second.said(), worker.said())
		}
		seesEveryStep(t, out)
		if ready := at.status(h.api(at) + "/readyz"); ready != 200 {
			t.Errorf("ready %d", ready)
		}
		if i == 0 {
			first.stop(func() { // it says that it is not ready, and serves
				if ready, live := first.status(h.api(first)+"/readyz"), first.status(h.api(first)+"/livez"); ready != 503 || live != 200 {
					t.Errorf("while it drains: ready %d, live %d", ready, live)
				}
			})
		}
	}
	out, code := h.run("ledger", "verify", "--server", h.api(second), "--issuer", h.issuer)
	if code != 0 {
		t.Errorf("verify: %s", out)
	}
	for _, p := range []*leanProcess{second, worker} {
		p.stop(func() {})
	}
	goesOnPrepared(t, h)
}

// goesOnPrepared prepares the ledger as after a restore by PostgreSQL's own tools, and starts anew: everything is published
// and handed over again, and nothing is there twice.
func goesOnPrepared(t *testing.T, h *leanHouse) {
	t.Helper()
	before, code := h.run("migrate") // a second time it changes nothing
	if code != 0 {
		t.Errorf("migrate: %s", before)
	}
	if out, code := h.run("restored"); code != 0 || !strings.Contains(out, "prepared") {
		t.Fatalf("restored: exit code %d, %s", code, out)
	}
	worker, serve := h.start("worker"), h.start("serve")
	if out, code := h.run("reconcile", "--repair", "--reason", "restore exercised", "--server", h.api(serve), "--issuer", h.issuer); code != 0 {
		t.Errorf("reconcile: %s\nserve: %s", out, serve.said())
	}
	out, code := h.run("ledger", "verify", "--server", h.api(serve), "--issuer", h.issuer)
	if code != 0 {
		t.Errorf("verify: %s", out)
	}
	for _, p := range []*leanProcess{serve, worker} {
		p.stop(func() {})
	}
}
