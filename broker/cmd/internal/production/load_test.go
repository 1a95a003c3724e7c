//go:build linux

package production

import (
	"context"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/demo"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// customers is how many submit at a time; together they submit one application in each interval, which two busy cores can
// still work off.
const (
	customers = 3
	interval  = 700 * time.Millisecond
)

// load is what customers submit, and the back offices that work on it.
type load struct {
	t        *testing.T
	f        *form
	b        *balancer
	portal   *client.ClientWithResponses
	body     client.Submission
	arrivals *time.Ticker
	working  sync.WaitGroup
	// coming ends when nobody new comes, here when the test ends.
	coming, here context.Context //nolint:containedctx // the life of the customers
	close        context.CancelFunc
	repeated     atomic.Int64

	mu       sync.Mutex
	receipts map[string]client.SubmissionReceipt
	accepted chan struct{} // a token for each accepted submission
}

// startLoad lets the back offices work, and customers submit, until finish.
func startLoad(t *testing.T, f *form) *load {
	t.Helper()
	b := newBalancer(t, map[string]string{"broker-1": f.address("broker-1"), "broker-2": f.address("broker-2")})
	l := &load{t: t, f: f, b: b, arrivals: time.NewTicker(interval), receipts: map[string]client.SubmissionReceipt{}, accepted: make(chan struct{}, 1<<16)}
	l.body = submission(t)
	var leave context.CancelFunc
	l.here, leave = context.WithCancel(context.WithoutCancel(t.Context()))
	l.coming, l.close = context.WithCancel(l.here)
	l.portal = f.as(b.URL, f.env["EFA_PORTAL"], &http.Client{Timeout: 20 * time.Second, Transport: &patient{l: l}})
	l.play(nil)
	for range customers {
		l.working.Go(l.submit)
	}
	t.Cleanup(func() {
		leave()
		l.working.Wait()
		l.arrivals.Stop()
	})
	return l
}

// submission is the notice that everybody files, without its id.
func submission(t *testing.T) client.Submission {
	t.Helper()
	application, _, err := demo.Example("")
	if err != nil {
		t.Fatal(err)
	}
	return client.Submission{Service: string(demo.Registration), Region: demo.NewSeat, Application: application}
}

// play lets the demo's back offices work, through another transport if there is one; their journals outlive the test, as the
// ledger does.
func (l *load) play(through func(authority.ID, backoffice.Port) (backoffice.Port, error)) {
	l.t.Helper()
	list, err := l.f.as(l.b.URL, l.f.env["EFA_CLIENT"], nil).ListAuthoritiesWithResponse(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	played, err := offices.New(offices.Config{
		API: l.b.URL, Issuer: l.f.env["EFA_ISSUER"], Authorities: list.JSON200.Authorities, State: filepath.Join(l.f.env["EFA_DATA"], "offices", "journal"), Through: through,
		Credentials: func(id authority.ID) (client.Credentials, error) { return l.f.credentials(string(id)) },
	})
	if err == nil {
		err = played.Start(context.WithoutCancel(l.t.Context()))
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := played.Stop(context.WithoutCancel(l.t.Context())); err != nil {
			l.t.Errorf("an office gave up: %v", err)
		}
	})
}

// patient waits as Retry-After says before the caller may ask again; every 503 of a broker has to say it.
type patient struct{ l *load }

// RoundTrip sends a request once.
func (p *patient) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
		return answer, err
	}
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil {
		p.l.t.Errorf("a refusal for now without Retry-After: %v", err)
	}
	wait := time.NewTimer(time.Duration(seconds) * time.Second)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-r.Context().Done():
	}
	return answer, nil
}

// submit submits one application after the other, each until it is accepted.
func (l *load) submit() {
	for {
		select {
		case <-l.coming.Done():
			return
		case <-l.arrivals.C:
		}
		id := uuid.NewString()
		receipt := l.send(id)
		l.mu.Lock()
		l.receipts[id] = receipt
		l.mu.Unlock()
		l.accepted <- struct{}{}
	}
}

// send repeats a submission until it is accepted; any other refusal is a fault.
func (l *load) send(id string) client.SubmissionReceipt {
	body := l.body
	body.SubmissionId = id
	for end := time.Now().Add(patience); ; l.repeated.Add(1) {
		answer, err := l.portal.SubmitApplicationWithResponse(l.here, body)
		var receipt client.SubmissionReceipt
		if err == nil {
			receipt, err = client.Value(answer, answer.JSON201, answer.JSON200)
		}
		if err == nil {
			return receipt
		}
		if l.here.Err() != nil {
			return receipt
		}
		if contracts.KindOf(err) != contracts.Unavailable || time.Now().After(end) {
			l.t.Errorf("submission %s: %v", id, err)
			return receipt
		}
		pause := time.NewTimer(100 * time.Millisecond) // where nothing answers there is no Retry-After
		<-pause.C
	}
}

// carry waits until n further submissions were accepted.
func (l *load) carry(n int) {
	l.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for range n {
		select {
		case <-l.accepted:
		case <-late.C:
			l.t.Fatalf("nothing is accepted any more, %d submissions were", len(l.receipts))
		}
	}
}

// drain forgets what was accepted so far, so that carry counts from now.
func (l *load) drain() {
	for len(l.accepted) > 0 {
		<-l.accepted
	}
}

// pause lets no further customers come, and waits for those who are there.
func (l *load) pause() {
	l.close()
	l.working.Wait()
}

// finish ends the load and looks at everything that it brought about.
func (l *load) finish() {
	l.t.Helper()
	l.pause()
	cases := map[string]bool{}
	for id, first := range l.receipts {
		cases[first.CaseId] = true
		if again := l.send(id); again.Receipt != first.Receipt || again.CaseId != first.CaseId {
			l.t.Errorf("submission %s has the receipts %+v and %+v", id, first, again)
		}
	}
	if len(cases) != len(l.receipts) {
		l.t.Errorf("%d submissions have %d cases", len(l.receipts), len(cases))
	}
	operator := l.f.as(l.b.URL, l.f.env["EFA_CLIENT"], nil)
	for id := range cases {
		opened := l.whole(operator, id)
		if opened == "" || cases[opened] || l.whole(operator, opened) != "" {
			l.t.Errorf("case %s opened %q", id, opened)
		}
	}
	l.t.Logf("%d submissions, %d of their requests repeated", len(l.receipts), l.repeated.Load())
	if out := l.f.efabroker("ledger", "verify"); out == "" {
		l.t.Error("the receipts were not verified")
	}
	l.inboxes()
}

// inboxes looks for gaps in the numbers of the deliveries to each authority.
func (l *load) inboxes() {
	l.t.Helper()
	var wrong int
	err := l.f.ledger().QueryRowContext(l.t.Context(), `select count(*) from (select count(*) n, min(inbox_seq) low, max(inbox_seq) high
		from deliveries group by operator, authority) a where high - low + 1 <> n`).Scan(&wrong)
	if err != nil || wrong != 0 {
		l.t.Errorf("inboxes with gaps: %d, %v", wrong, err)
	}
}

// progress is what a case has come to.
type progress struct {
	counts map[string]int
	open   map[authority.ID]bool
	opened string
	closed bool
}

// see counts each effect of an event; an effect is the same when its type and these words are.
func (p *progress) see(e event.Recorded) {
	effect := func(words ...string) {
		p.counts[e.Type+" "+strings.Join(words, " ")]++
	}
	switch e.Type {
	case event.TypeTaskAssigned:
		d, _ := event.Decode[event.TaskAssigned](e)
		effect(d.Step, strconv.Itoa(d.Pass), string(d.Authority))
	case event.TypeTaskCompleted:
		d, _ := event.Decode[event.TaskCompleted](e)
		effect(d.Task)
		if d.Opened != "" {
			p.opened = d.Opened
		}
	case event.TypeContentAnnounced:
		d, _ := event.Decode[event.ContentAnnounced](e)
		effect(d.Step, strconv.Itoa(d.Pass), string(d.Authority), string(d.Role))
		p.open[d.Authority] = true
	case event.TypeDeliveryAccepted:
		d, _ := event.Decode[event.DeliveryAnswered](e)
		effect(d.Delivery)
		delete(p.open, d.Authority)
	case event.TypeCaseClosed:
		effect()
		p.closed = true
	}
}

// whole waits until a case has ended and everybody accepted what was announced, and returns the case that it opened.
func (l *load) whole(operator *client.ClientWithResponses, id string) (opened string) {
	l.t.Helper()
	p := progress{counts: map[string]int{}, open: map[authority.ID]bool{}}
	var after int64
	wait := 10
	for end := time.Now().Add(patience); !p.closed || len(p.open) > 0; {
		if time.Now().After(end) {
			l.t.Fatalf("case %s stands still after %d events; %v have not accepted", id, after, p.open)
		}
		answer, err := operator.ListCaseEventsWithResponse(l.t.Context(), uuid.MustParse(id), &client.ListCaseEventsParams{AfterSeq: &after, WaitSeconds: &wait})
		if contracts.KindOf(err) == contracts.Unavailable {
			continue
		}
		if err != nil {
			l.t.Fatal(err)
		}
		for _, e := range answer.JSON200.Events {
			if e.CaseSeq != after+1 {
				l.t.Errorf("case %s: event %d follows %d", id, e.CaseSeq, after)
			}
			after = e.CaseSeq
			p.see(e)
		}
	}
	for effect, n := range p.counts {
		if n != 1 {
			l.t.Errorf("case %s: %d times %s", id, n, effect)
		}
	}
	return p.opened
}
