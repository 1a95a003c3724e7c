//go:build linux

package production

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	"golang.org/x/sys/unix"

	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// patience bounds every wait; who is slower than that hangs.
const patience = 3 * time.Minute

// nightly says that there is time for more of the same.
func nightly() bool { return os.Getenv("EFA_NIGHTLY") != "" }

// form is the production form as deploy/local/up has started it.
type form struct {
	t     *testing.T
	state string
	env   map[string]string
}

// openForm starts what is missing, and skips the test when no form is named.
func openForm(t *testing.T) *form {
	t.Helper()
	state := os.Getenv("LOCAL_STATE")
	if os.Getenv("PRODUCTION_FORM") == "" || state == "" {
		t.Skip("PRODUCTION_FORM is not set: make production-tier runs this on real engines")
	}
	f := &form{t: t, state: state, env: map[string]string{}}
	f.up()
	for _, line := range regexp.MustCompile(`export (\w+)=(.*)`).FindAllStringSubmatch(f.read("env"), -1) {
		f.env[line[1]] = line[2]
	}
	return f
}

func (f *form) read(name string) string {
	f.t.Helper()
	raw, err := os.ReadFile(filepath.Join(f.state, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(raw)
}

// run runs a command to its end; one that fails ends the test.
func (f *form) run(environ []string, command string, args ...string) string {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.t.Context()), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Env = environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("%s %s: %v\n%s", command, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// up starts whatever of the form does not run, and waits until it is ready.
func (f *form) up() {
	f.t.Helper()
	f.script("up")
}

// script runs one of deploy/local, with the programs that are built already.
func (f *form) script(name string, args ...string) {
	f.t.Helper()
	f.run(append(os.Environ(), "LOCAL_BIN="+filepath.Join(f.state, "bin")), "../../../../deploy/local/"+name, args...)
}

// efabroker runs a command of the command line against the first broker.
func (f *form) efabroker(args ...string) string {
	f.t.Helper()
	environ := []string{"TZ=UTC"} // it refuses variables of its own prefix that it does not know
	for k, v := range f.env {
		environ = append(environ, k+"="+v)
	}
	return f.run(environ, filepath.Join(f.state, "bin", "efabroker"), args...)
}

func (f *form) pid(part string) int {
	f.t.Helper()
	pid, err := strconv.Atoi(strings.Fields(f.read("run/" + part + ".pid"))[0])
	if err != nil {
		f.t.Fatal(err)
	}
	return pid
}

// signal sends a signal to a part; ended waits, for as long as allowed, until the process has ended.
func (f *form) signal(part string, s unix.Signal) (ended func(allowed time.Duration)) {
	f.t.Helper()
	process, err := unix.PidfdOpen(f.pid(part), 0)
	if err == nil {
		err = unix.PidfdSendSignal(process, s, nil, 0)
	}
	if err != nil {
		f.t.Fatalf("%v to %s: %v", s, part, err)
	}
	f.t.Cleanup(func() { _ = unix.Close(process) })
	return func(allowed time.Duration) {
		f.t.Helper()
		for end := time.Now().Add(allowed); ; {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}, int(time.Until(end).Milliseconds()))
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || n == 0 {
				f.t.Fatalf("%s has not ended %v after %v: %v", part, allowed, s, err)
			}
			return
		}
	}
}

// ports of the parts, by their places in the block.
func (f *form) address(part string) string {
	f.t.Helper()
	base, err := strconv.Atoi(strings.TrimSpace(f.read("ports")))
	if err != nil {
		f.t.Fatal(err)
	}
	place, known := map[string]int{"kafka": 0, "postgres-ledger": 2, "broker-1": 5, "broker-2": 6}[part]
	if !known {
		f.t.Fatalf("no port of %s", part)
	}
	return "127.0.0.1:" + strconv.Itoa(base+place)
}

// ledger opens the ledger's database as its owner, to look at it from outside.
func (f *form) ledger() *sql.DB {
	f.t.Helper()
	db, err := sql.Open("pgx", fmt.Sprintf("postgres://postgres:%s@%s/efa_ledger?sslmode=disable", f.read("secrets/postgres-ledger-postgres"), f.address("postgres-ledger")))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = db.Close() })
	return db
}

// environ is the environment of a running part.
func (f *form) environ(part string) []string {
	f.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", f.pid(part)))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Split(string(bytes.Trim(raw, "\x00")), "\x00")
}

func (f *form) credentials(id string) (client.Credentials, error) {
	return client.ReadCredentials(filepath.Join(f.env["EFA_CLIENTS"], id+".json"))
}

// as opens the API as one client.
func (f *form) as(api, id string, wire *http.Client) *client.ClientWithResponses {
	f.t.Helper()
	c, err := f.credentials(id)
	if err != nil {
		f.t.Fatal(err)
	}
	opened, err := client.Open(client.Config{API: api, Issuer: f.env["EFA_ISSUER"], Credentials: c, HTTP: wire})
	if err != nil {
		f.t.Fatal(err)
	}
	return opened
}
