package httpserver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// door stamps requests and counts those in hand.
type door struct {
	stamped, held int
	fault         error
	before        func()
}

// Receive implements httpserver.Receiver.
func (d *door) Receive() (event.Reception, func(), error) {
	if d.fault != nil {
		return event.Reception{}, nil, d.fault
	}
	if d.before != nil {
		d.before()
	}
	d.stamped++
	d.held++
	return event.Reception{At: time.Unix(int64(d.stamped), 0), Source: "replica/a", Epoch: 2}, func() { d.held-- }, nil
}

// slowBody is a request's body that tells when it has been read to its end.
type slowBody struct {
	io.Reader
	whole bool
}

func (b *slowBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.whole = b.whole || err == io.EOF
	return n, err
}

const answerPath = "/v1/tasks/6a3e1c1e-0000-4000-8000-000000000001.hear.1/outcome"

func TestARequestIsStampedWhenItHasBeenReadInFullAndInHandUntilItIsAnswered(t *testing.T) {
	t.Parallel()
	d := &door{}
	var seen event.Reception
	f := setup(t, func(w http.ResponseWriter, r *http.Request) {
		seen = httpserver.Received(r.Context())
		if d.held != 1 {
			t.Errorf("%d requests in hand while it is handled", d.held)
		}
		w.WriteHeader(http.StatusOK)
	}, func(c *httpserver.Config) { c.Receiver = d })
	body := &slowBody{Reader: io.MultiReader(strings.NewReader(`{"outcome":`), strings.NewReader(`"agreed"}`))}
	d.before = func() {
		if !body.whole {
			t.Error("stamped before the body was read in full")
		}
	}
	r := httptest.NewRequest(http.MethodPost, answerPath, body)
	r.Header.Set("Authorization", "Bearer good")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK || seen != (event.Reception{At: time.Unix(1, 0), Source: "replica/a", Epoch: 2}) || d.held != 0 {
		t.Errorf("status %d %s, received %+v, in hand %d", w.Code, w.Body, seen, d.held)
	}
}

// What only reads brings nothing: a long poll must not hold deadlines up. What is refused before it was read in full was
// not received.
func TestOnlyWhatBringsSomethingAndWasReadInFullIsReceived(t *testing.T) {
	t.Parallel()
	d := &door{}
	f := setup(t, noContent, func(c *httpserver.Config) { c.Receiver = d })
	for name, c := range map[string]struct {
		call
		want int
	}{
		"a list":             {call{method: http.MethodGet, target: "/v1/tasks"}, 0},
		"an inbox":           {call{method: http.MethodGet, target: "/v1/inbox?wait_seconds=0"}, 0},
		"an answer":          {call{method: http.MethodPost, target: answerPath, body: `{"outcome":"agreed"}`}, 1},
		"not competent":      {call{method: http.MethodPost, target: "/v1/tasks/6a3e1c1e-0000-4000-8000-000000000001.hear.1/not-competent"}, 1},
		"an act":             {call{method: http.MethodPost, target: "/v1/reconciliations", body: `{"repair":false}`}, 0},
		"nobody's answer":    {call{method: http.MethodPost, target: answerPath, body: `{"outcome":"agreed"}`, header: map[string]string{"Authorization": ""}}, 0},
		"half an answer":     {call{method: http.MethodPost, target: answerPath, body: `{"outcome":`}, 0},
		"an answer too many": {call{method: http.MethodPost, target: answerPath, body: `{"outcome":"agreed","outcome":"agreed"}`}, 0},
		"an unknown member":  {call{method: http.MethodPost, target: answerPath, body: `{"outcome":"agreed","why":"x"}`}, 1},
	} {
		*d = door{}
		if w := f.do(c.call); d.stamped != c.want || d.held != 0 {
			t.Errorf("%s: status %d %s, stamped %d times, %d in hand", name, w.Code, w.Body, d.stamped, d.held)
		}
	}
}

func TestAnOperationThatIsNotMarkedCannotCountByItsReceipt(t *testing.T) {
	t.Parallel()
	d := &door{}
	f := setup(t, func(_ http.ResponseWriter, r *http.Request) { httpserver.Received(r.Context()) }, func(c *httpserver.Config) { c.Receiver = d })
	if w := f.do(call{method: http.MethodGet, target: "/v1/tasks"}); w.Code != http.StatusInternalServerError || d.stamped != 0 {
		t.Errorf("status %d, stamped %d times", w.Code, d.stamped)
	}
}

func TestARequestLeavesTheHandAfterAPanicToo(t *testing.T) {
	t.Parallel()
	d := &door{}
	f := setup(t, func(http.ResponseWriter, *http.Request) { panic("x") }, func(c *httpserver.Config) { c.Receiver = d })
	w := f.do(call{method: http.MethodPost, target: answerPath, body: `{"outcome":"agreed"}`})
	if w.Code != http.StatusInternalServerError || d.stamped != 1 || d.held != 0 {
		t.Errorf("status %d, stamped %d, in hand %d", w.Code, d.stamped, d.held)
	}
}

func TestWhoMayNotReceiveAnswersThatItMayBeSentAgain(t *testing.T) {
	t.Parallel()
	d := &door{fault: contracts.Errorf(contracts.Unavailable, "receive request", "the clock is off")}
	f := setup(t, noContent, func(c *httpserver.Config) { c.Receiver = d })
	w := f.do(call{method: http.MethodPost, target: answerPath, body: `{"outcome":"agreed"}`})
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || len(f.reached) != 0 {
		t.Errorf("status %d, header %v, reached %v", w.Code, w.Header(), f.reached)
	}
	if w := f.do(call{method: http.MethodGet, target: "/v1/tasks"}); w.Code != http.StatusOK {
		t.Errorf("reading is refused: %d", w.Code)
	}
}

func TestWithoutAReceiverTheTimeOfTheRecordCounts(t *testing.T) {
	t.Parallel()
	f := setup(t, func(w http.ResponseWriter, r *http.Request) {
		if got := httpserver.Received(r.Context()); got != (event.Reception{}) {
			t.Errorf("received %+v", got)
		}
		w.WriteHeader(http.StatusOK)
	}, nil)
	if w := f.do(call{method: http.MethodPost, target: answerPath, body: `{"outcome":"agreed"}`}); w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
}
