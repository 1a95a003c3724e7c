package main

import (
	"context"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/broker/internal/next"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Bounds of the load: so many customers file at a time, one application in each interval in all; who waits longer than
// rollPatience waits for something that does not come.
const (
	rollCustomers = 2
	rollInterval  = 700 * time.Millisecond
	rollPatience  = 2 * time.Minute
)

// nextLine builds efabroker as its own next version.
var nextLine = sync.OnceValues(func() (string, error) { return buildCommandLine("-tags", "next") })

// rolling is one database, with customers and offices that know one address, and two versions of the broker behind it.
type rolling struct {
	*leanHouse

	next, early *leanHouse // the next version; the same with its switch thrown
	ledger      *sql.DB
	street      *httptest.Server
	arrivals    *time.Ticker
	coming      context.Context //nolint:containedctx // ends when no further customer comes
	close       context.CancelFunc
	customers   sync.WaitGroup
	processes   []*leanProcess

	mu       sync.Mutex
	open     []*httputil.ReverseProxy
	turn     int
	receipts map[string]client.SubmissionReceipt
	accepted chan struct{} // a token for each accepted submission
}

func openRolling(t *testing.T) *rolling {
	t.Helper()
	bin, err := nextLine()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(bin) })
	r := &rolling{leanHouse: openLean(t), arrivals: time.NewTicker(rollInterval), receipts: map[string]client.SubmissionReceipt{}, accepted: make(chan struct{}, 1<<16)}
	newer := *r.leanHouse
	newer.program = filepath.Join(bin, "efabroker")
	switched := newer
	switched.environ = append([]string{next.Emit + "=yes"}, newer.environ...)
	r.next, r.early = &newer, &switched
	for _, setting := range r.environ {
		if at, ok := strings.CutPrefix(setting, "EFA_LEDGER_URL="); ok {
			r.ledger = sqlstoretest.Raw(t, sqlstore.Config{URL: at})
		}
	}
	r.coming, r.close = context.WithCancel(context.WithoutCancel(t.Context()))
	r.street = httptest.NewServer(r)
	t.Cleanup(func() {
		r.close()
		r.customers.Wait()
		r.street.Close()
		r.arrivals.Stop()
	})
	return r
}

// ServeHTTP hands a request to the broker whose turn it is. It repeats nothing: that is for the caller.
func (r *rolling) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	if len(r.open) == 0 {
		r.mu.Unlock()
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	r.turn++
	to := r.open[r.turn%len(r.open)]
	r.mu.Unlock()
	to.ServeHTTP(w, req)
}

// begin starts a process of a version.
func (r *rolling) begin(version *leanHouse, command string) *leanProcess {
	r.t.Helper()
	p := version.start(command)
	r.processes = append(r.processes, p)
	return p
}

// lead sends requests to these brokers, in turn, and to no others.
func (r *rolling) lead(brokers ...*leanProcess) {
	r.t.Helper()
	var open []*httputil.ReverseProxy
	for _, p := range brokers {
		to, err := url.Parse(r.api(p))
		if err != nil {
			r.t.Fatal(err)
		}
		proxy := httputil.NewSingleHostReverseProxy(to)
		proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
		open = append(open, proxy)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = open
}

func (r *rolling) as(api, id string) *client.ClientWithResponses {
	r.t.Helper()
	credentials, err := client.ReadCredentials(filepath.Join(r.dir, "data", "clients", id+".json"))
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := client.Open(client.Config{API: api, Issuer: r.issuer, Credentials: credentials, HTTP: &http.Client{Timeout: 30 * time.Second}})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// load lets back offices work and customers come.
func (r *rolling) load() {
	r.t.Helper()
	list, err := r.as(r.street.URL, "operator-bayern").ListAuthoritiesWithResponse(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	played, err := offices.New(offices.Config{
		API: r.street.URL, Issuer: r.issuer, Authorities: list.JSON200.Authorities, State: r.t.TempDir(),
		Credentials: func(id authority.ID) (client.Credentials, error) {
			return client.ReadCredentials(filepath.Join(r.dir, "data", "clients", string(id)+".json"))
		},
	})
	if err == nil {
		err = played.Start(context.WithoutCancel(r.t.Context()))
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := played.Stop(context.WithoutCancel(r.t.Context())); err != nil {
			r.t.Errorf("an office gave up: %v", err)
		}
	})
	pkg := packageOf(r.t, registration)
	application := example(r.t, pkg, exampleNames(pkg)[0])
	portal := r.as(r.street.URL, "portal-bayern")
	for range rollCustomers {
		r.customers.Go(func() { r.file(portal, application) })
	}
}

// file files one application after the other.
func (r *rolling) file(portal *client.ClientWithResponses, application map[string]any) {
	for {
		select {
		case <-r.coming.Done():
			return
		case <-r.arrivals.C:
		}
		body := client.Submission{SubmissionId: uuid.NewString(), Service: string(registration), Region: muenchen, Application: application}
		receipt, err := r.send(portal, body)
		if err != nil {
			r.t.Errorf("submission %s: %v", body.SubmissionId, err)
			return
		}
		r.mu.Lock()
		r.receipts[body.SubmissionId] = receipt
		r.mu.Unlock()
		r.accepted <- struct{}{}
	}
}

// send repeats a submission until it is accepted; any refusal but "not now" is a fault.
func (r *rolling) send(portal *client.ClientWithResponses, body client.Submission) (client.SubmissionReceipt, error) {
	pause := time.NewTicker(100 * time.Millisecond)
	defer pause.Stop()
	for end := time.Now().Add(rollPatience); ; {
		answer, err := portal.SubmitApplicationWithResponse(context.WithoutCancel(r.t.Context()), body)
		if err == nil {
			return client.Value(answer, answer.JSON201, answer.JSON200)
		}
		if contracts.KindOf(err) != contracts.Unavailable || time.Now().After(end) {
			return client.SubmissionReceipt{}, err
		}
		<-pause.C
	}
}

// carry waits until n further applications were accepted, and says how many events each version has recorded meanwhile.
func (r *rolling) carry(n int) (older, newer int) {
	r.t.Helper()
	for len(r.accepted) > 0 {
		<-r.accepted
	}
	before, beforeNext := r.recorded()
	late := time.NewTimer(rollPatience)
	defer late.Stop()
	for range n {
		select {
		case <-r.accepted:
		case <-late.C:
			r.t.Fatalf("nothing is accepted any more: %s", r.said())
		}
	}
	after, afterNext := r.recorded()
	return after - before, afterNext - beforeNext
}

func (r *rolling) said() string {
	var all []string
	for _, p := range r.processes {
		all = append(all, p.said())
	}
	return strings.Join(all, "\n")
}

// recorded counts the events of each version; before the migration all are the older one's.
func (r *rolling) recorded() (older, newer int) {
	r.t.Helper()
	if r.count(`select count(*) from information_schema.columns where table_name = 'events' and column_name = 'recorded_by'`) == 0 {
		return r.count(`select count(*) from events`), 0
	}
	return r.count(`select count(*) from events where recorded_by = ''`), r.count(`select count(*) from events where recorded_by = $1`, next.Program)
}

func (r *rolling) count(query string, args ...any) (n int) {
	r.t.Helper()
	if err := r.ledger.QueryRowContext(r.t.Context(), query, args...).Scan(&n); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// until waits until a number in the ledger is as wanted.
func (r *rolling) until(what string, enough func() bool) {
	r.t.Helper()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(rollPatience); !enough(); <-look.C {
		if time.Now().After(end) {
			r.t.Fatalf("%s: in vain: %s", what, r.said())
		}
	}
}

// ended waits until a case has ended and everybody has accepted what was announced, and returns the case that it opened.
func (r *rolling) ended(operator *client.ClientWithResponses, id string) string {
	r.t.Helper()
	var events []event.Recorded
	var after int64
	wait := 10
	for end := time.Now().Add(rollPatience); ; {
		c := courseOf(r.t, events)
		open := 0
		for _, a := range c.announced {
			if !c.accepted[a] {
				open++
			}
		}
		if c.closed && open == 0 {
			return c.second
		}
		if time.Now().After(end) {
			r.t.Fatalf("case %s stands still after %d events, %d have not accepted: %s", id, after, open, r.said())
		}
		answer, err := operator.ListCaseEventsWithResponse(r.t.Context(), uuid.MustParse(id), &client.ListCaseEventsParams{AfterSeq: &after, WaitSeconds: &wait})
		if contracts.KindOf(err) == contracts.Unavailable {
			continue
		}
		if err != nil {
			r.t.Fatal(err)
		}
		for _, e := range answer.JSON200.Events {
			if e.CaseSeq != after+1 {
				r.t.Errorf("case %s: event %d follows %d", id, e.CaseSeq, after)
			}
			after = e.CaseSeq
		}
		events = append(events, answer.JSON200.Events...)
	}
}
