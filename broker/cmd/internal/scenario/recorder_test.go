//go:build faults

package scenario

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// recorder keeps what the actors outside of the broker saw, in the files that the checker reads.
type recorder struct {
	tb      testing.TB
	dir     string
	started time.Time

	mu sync.Mutex
	// watched is when watch was called last; answered and worked are how long it took then to the first good answer to
	// anybody, and to the first that let an office go on with its work.
	watched          time.Time
	answered, worked time.Duration
	invoked          map[string]bool
	canaries         map[string]bool
}

func newRecorder(tb testing.TB) *recorder {
	tb.Helper()
	return &recorder{tb: tb, dir: tb.TempDir(), started: time.Now(), invoked: map[string]bool{}, canaries: map[string]bool{}}
}

func (r *recorder) path(name string) string { return filepath.Join(r.dir, name+".jsonl") }

// write appends a line; the caller holds the lock, so that instants rise.
func (r *recorder) write(name string, line any) {
	f, err := os.OpenFile(r.path(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		err = json.NewEncoder(f).Encode(line)
	}
	if err != nil {
		r.tb.Error(err)
	}
	_ = f.Close()
}

func (r *recorder) now() int64 { return time.Since(r.started).Nanoseconds() }

// claim writes what a producer knows; a submission is invoked once, however often it is sent.
func (r *recorder) claim(c witness.Claim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.Op == witness.Invoke {
		if r.invoked[c.ID] {
			return
		}
		r.invoked[c.ID] = true
		for canary := range c.Canaries {
			r.canaries[canary] = true
		}
	}
	c.At = r.now()
	r.write("producers", c)
	if c.Op == witness.OK {
		r.good()
	}
}

// watch begins to measure, and returns what was measured since it was called last; zero for what did not happen.
func (r *recorder) watch() (answered, worked time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	answered, worked = r.answered, r.worked
	r.watched, r.answered, r.worked = time.Now(), 0, 0
	return answered, worked
}

func (r *recorder) good() {
	if r.answered == 0 {
		r.answered = time.Since(r.watched)
	}
}

// known lists the canaries that stand in text.
func (r *recorder) known(text string) (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for canary := range r.canaries {
		if strings.Contains(text, canary) {
			out = append(out, canary)
		}
	}
	return out
}

// office is the wire of one back office, with a pencil.
type office struct {
	*recorder
	id   authority.ID
	wire http.RoundTripper
}

// RoundTrip notes the exchange. What goes to the OpenID provider is none of the broker's. While a task is answered somebody
// else looks at it, and once more when the answer is there.
func (o office) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(req.URL.Path, "/v1/") {
		return o.wire.RoundTrip(req)
	}
	task, answers := strings.CutSuffix(req.URL.Path, "/outcome")
	if !answers {
		return o.exchange(req)
	}
	var looking sync.WaitGroup
	looking.Go(func() { o.look(req, task) })
	resp, err := o.exchange(req)
	looking.Wait()
	o.look(req, task)
	return resp, err
}

// look reads a task with the token of another request; whether that succeeds does not matter.
func (o office) look(like *http.Request, task string) {
	req, err := http.NewRequestWithContext(like.Context(), http.MethodGet, like.URL.ResolveReference(&url.URL{Path: task}).String(), nil)
	if err != nil {
		o.tb.Error(err)
		return
	}
	req.Header.Set("Authorization", like.Header.Get("Authorization"))
	if resp, err := o.exchange(req); err == nil {
		_ = resp.Body.Close()
	}
}

// exchange sends a request and notes it. The body of the answer is read already.
func (o office) exchange(req *http.Request) (*http.Response, error) {
	submission := o.submission(req)
	line := witness.Exchange{Authority: string(o.id), Method: req.Method, Path: req.URL.RequestURI(), Sent: decision(req), Began: o.now()}
	resp, err := o.wire.RoundTrip(req)
	if err == nil {
		line.Status = resp.StatusCode
		line.Body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(line.Body))
	}
	sum := sha256.Sum256(line.Body)
	line.SHA256 = hex.EncodeToString(sum[:])
	o.mu.Lock()
	line.At = o.now()
	o.write("recipients", line)
	if err == nil && line.Status < 300 {
		o.good()
		if o.worked == 0 && req.Method == http.MethodPost {
			o.worked = time.Since(o.watched)
		}
	}
	o.mu.Unlock()
	if submission != "" {
		o.answer(submission, line)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// decision is the body of a request that decides a task.
func decision(req *http.Request) []byte {
	if !strings.HasSuffix(req.URL.Path, "/outcome") || req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	raw, _ := io.ReadAll(body)
	return raw
}

// submission notes that the office files a notice, and returns its id.
func (o office) submission(req *http.Request) string {
	if req.Method != http.MethodPost || req.URL.Path != "/v1/submissions" || req.GetBody == nil {
		return ""
	}
	body, err := req.GetBody()
	if err != nil {
		return ""
	}
	raw, _ := io.ReadAll(body)
	var s struct {
		ID          string         `json:"submission_id"`
		Service     string         `json:"service"`
		Application map[string]any `json:"application"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		o.tb.Error(err)
		return ""
	}
	sum := sha256.Sum256(raw)
	o.claim(witness.Claim{
		Actor: string(o.id), Op: witness.Invoke, ID: s.ID, SHA256: hex.EncodeToString(sum[:]),
		Canaries: fieldsOf(o.tb, s.Service, s.Application, o.known(string(raw))),
	})
	return s.ID
}

// answer notes what the office learned of its notice.
func (o office) answer(submission string, e witness.Exchange) {
	c := witness.Claim{Actor: string(o.id), Op: witness.Info, ID: submission, Code: "no answer"}
	var got struct {
		Case    string          `json:"case_id"`
		Receipt witness.Receipt `json:"receipt"`
	}
	switch {
	case e.Status == http.StatusOK || e.Status == http.StatusCreated:
		if err := json.Unmarshal(e.Body, &got); err != nil {
			o.tb.Error(err)
		}
		c.Op, c.Code, c.Case, c.Receipt = witness.OK, "", got.Case, &got.Receipt
	case e.Status >= 400 && e.Status < 500:
		c.Op, c.Code = witness.Fail, http.StatusText(e.Status)
	}
	o.claim(c)
}
