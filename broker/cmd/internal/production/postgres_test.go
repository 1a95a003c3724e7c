//go:build linux

package production

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/efa-broker/efa-broker/contracts"
)

// The ledger's cluster is killed like by a power cut, with its children, and recovers from its log.
func TestPostgreSQLIsKilledUnderLoad(t *testing.T) {
	f := openForm(t)
	l := startLoad(t, f)
	l.carry(5)
	f.signal("postgres-ledger", unix.SIGKILL)(patience)
	f.up()
	l.drain()
	l.carry(5)
	l.finish()
}

// PostgreSQL has committed, and the broker never learns it: whoever asks again gets the receipt that was lost.
func TestARetryAfterALostCommitGetsTheSameReceipt(t *testing.T) {
	f := openForm(t)
	w := newWire(t, f.address("postgres-ledger"))
	third := f.replica(w.listener.Addr().String())
	l := &load{t: t, f: f, body: submission(t), here: t.Context()}
	l.portal = f.as(third, f.env["EFA_PORTAL"], &http.Client{Timeout: 20 * time.Second})
	other := f.as("http://"+f.address("broker-2"), f.env["EFA_PORTAL"], nil)
	if l.send(uuid.NewString()).CaseId == "" {
		t.Fatal("the replica behind the wire accepts nothing")
	}
	db := f.ledger()
	cases := func() (n int) {
		if err := db.QueryRowContext(t.Context(), `select count(*) from submissions`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var unknown int
	for range 10 {
		before := cases()
		body := l.body
		body.SubmissionId = uuid.NewString()
		w.armed.Store(1)
		_, err := l.portal.SubmitApplicationWithResponse(t.Context(), body)
		w.armed.Store(0)
		if err != nil {
			if contracts.KindOf(err) != contracts.Unavailable {
				t.Errorf("a lost answer is told as %v", err)
			}
			unknown++
		}
		l.portal, other = other, l.portal
		first := l.send(body.SubmissionId)
		l.portal, other = other, l.portal
		if second := l.send(body.SubmissionId); first.Receipt != second.Receipt || first.CaseId != second.CaseId {
			t.Errorf("receipts %+v and %+v", first, second)
		}
		if after := cases(); after != before+1 {
			t.Errorf("one submission added %d", after-before)
		}
	}
	if len(w.lost) == 0 {
		t.Error("no answer was lost")
	}
	t.Logf("%d answers to COMMIT lost, %d of 10 submissions not known at first", len(w.lost), unknown)
}

// replica starts a third broker, whose line to the ledger goes through address, and returns where it listens.
func (f *form) replica(address string) (api string) {
	f.t.Helper()
	environ := slices.DeleteFunc(f.environ("broker-1"), func(v string) bool {
		return strings.HasPrefix(v, "EFA_LISTEN=") || strings.HasPrefix(v, "EFA_LEDGER_URL")
	})
	to, err := url.Parse(f.read("secrets/ledger-url"))
	if err != nil {
		f.t.Fatal(err)
	}
	to.Host = address
	cmd := exec.CommandContext(f.t.Context(), filepath.Join(f.state, "bin", "efabroker"), "serve")
	environ = append(environ, "EFA_LISTEN=127.0.0.1:0", "EFA_LEDGER_URL="+to.String())
	cmd.Env = environ
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.Stderr, err = os.Create(filepath.Join(f.state, "log", "broker-3.log"))
	if err != nil {
		f.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	api, found := strings.CutPrefix(lines.Text(), "ready api=")
	if !found {
		f.t.Fatalf("the third broker says %q", lines.Text())
	}
	f.t.Cleanup(func() { _ = cmd.Wait() })
	return api
}
