//go:build faults

package scenario

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// patience bounds every wait; nothing is expected to take so long.
const patience = 2 * time.Minute

// broker is one process of the standalone broker, and the back offices that work with it.
type broker struct {
	tb      testing.TB
	dir     string
	cmd     *exec.Cmd
	ready   bool
	died    chan struct{}
	api     string
	issuer  string
	kafka   string
	offices *offices.Offices
}

// orders are what a build with the tag faults is asked for.
type orders struct{ crash, mutant, panic string }

// spawn starts a broker on dir and waits until it is ready, or dead.
func spawn(tb testing.TB, dir string, o orders) *broker {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	b := &broker{tb: tb, dir: dir, died: make(chan struct{})}
	b.cmd = exec.CommandContext(ctx, programs.broker, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--kafka-listen", "127.0.0.1:0",
		"--temporal-listen", "127.0.0.1:0", "--offices", "none", "--log-format", "json")
	b.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "EFA_") }), // it refuses a setting of the tests
		fault.EnvCrash+"="+o.crash, fault.EnvMutant+"="+o.mutant, fault.EnvPanic+"="+o.panic)
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	log, err := os.OpenFile(dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	b.cmd.Stderr = log
	if err := b.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.kill)
	lines := bufio.NewScanner(stdout)
	for !b.ready && lines.Scan() {
		b.ready = strings.HasPrefix(lines.Text(), "Bereit.")
	}
	go func() {
		for lines.Scan() {
		}
		_ = b.cmd.Wait()
		_ = log.Close()
		close(b.died)
	}()
	if b.ready {
		b.endpoint()
	}
	return b
}

func (b *broker) endpoint() {
	var e struct {
		API    string `json:"api"`
		Issuer string `json:"issuer"`
		Kafka  string `json:"kafka"`
	}
	raw, err := os.ReadFile(filepath.Join(b.dir, "endpoint.json"))
	if err == nil {
		err = json.Unmarshal(raw, &e)
	}
	if err != nil {
		b.tb.Fatal(err)
	}
	b.api, b.issuer, b.kafka = e.API, e.Issuer, e.Kafka
}

// kill ends the process as a power cut would.
func (b *broker) kill() {
	_ = b.cmd.Process.Kill()
	<-b.died
	b.rest()
}

// crashed waits until the process has killed itself at point.
func (b *broker) crashed(point string) {
	b.tb.Helper()
	select {
	case <-b.died:
	case <-time.After(patience):
		b.tb.Fatalf("%s was not reached", point)
	}
	if code := b.cmd.ProcessState.ExitCode(); code != -1 {
		b.tb.Fatalf("%s: the broker ended by itself with status %d: %s", point, code, lastOf(b.dir+".log"))
	}
	b.rest()
}

// as is a client of the API with the key of id.
func (b *broker) as(id string) *client.ClientWithResponses {
	b.tb.Helper()
	c, err := client.Open(client.Config{API: b.api, Issuer: b.issuer, Credentials: b.credentials(id)})
	if err != nil {
		b.tb.Fatal(err)
	}
	return c
}

func (b *broker) credentials(id string) client.Credentials {
	b.tb.Helper()
	c, err := client.ReadCredentials(filepath.Join(b.dir, "clients", id+".json"))
	if err != nil {
		b.tb.Fatal(err)
	}
	return c
}

// work lets the back office of every authority work, and r note what they get.
func (b *broker) work(r *recorder, journals string, entries []offices.Entry) {
	b.tb.Helper()
	answer, err := b.as("operator-bayern").ListAuthoritiesWithResponse(b.tb.Context())
	if err != nil {
		if b.gone() {
			return
		}
		b.tb.Fatal(err)
	}
	page, err := client.Value(answer, answer.JSON200)
	if err != nil {
		b.tb.Fatal(err)
	}
	b.offices, err = offices.New(offices.Config{
		API: b.api, Issuer: b.issuer, Authorities: page.Authorities, State: journals, Entries: entries,
		Credentials: func(id authority.ID) (client.Credentials, error) { return b.credentials(string(id)), nil },
		Transport: func(id authority.ID, wire http.RoundTripper) http.RoundTripper {
			return office{recorder: r, id: id, wire: wire}
		},
	})
	if err == nil {
		err = b.offices.Start(context.WithoutCancel(b.tb.Context()))
	}
	if err != nil {
		b.tb.Fatal(err)
	}
}

// gone reports whether the process has ended, or is about to: a request that failed met its end.
func (b *broker) gone() bool {
	select {
	case <-b.died:
		return true
	case <-time.After(5 * time.Second):
		return false
	}
}

// rest lets the back offices stop.
func (b *broker) rest() {
	if b.offices == nil {
		return
	}
	if err := b.offices.Stop(context.Background()); err != nil {
		b.tb.Error(err)
	}
	b.offices = nil
}

// lastOf is the end of a log, for a failed test: its directory goes with the test.
func lastOf(path string) string {
	raw, _ := os.ReadFile(path)
	return string(raw[max(0, len(raw)-2000):])
}
