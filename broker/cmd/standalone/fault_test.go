package main

import (
	"context"
	"database/sql"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/broker/internal/proxytest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/reconciliation"
)

// strained is a house whose broker reaches its engines through proxies.
type strained struct {
	*house
	kafka, temporal *proxytest.Proxy
}

// openStrained is open with a proxy before each engine; change changes settings.
func openStrained(tb testing.TB, dir string, change func(*config.Standalone)) *strained {
	tb.Helper()
	log := &lockedBuffer{}
	cfg := options(dir)
	if change != nil {
		change(&cfg)
	}
	p := &program{cfg: cfg, log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	h := &strained{house: &house{tb: tb, program: p, log: log}}
	tb.Cleanup(h.stop)
	ctx := tb.Context()
	for _, step := range []func(context.Context) error{p.listen, p.startEngines} {
		if err := step(ctx); err != nil {
			tb.Fatal(err)
		}
	}
	h.kafka, h.temporal = proxytest.New(tb, p.kafkaAddr), proxytest.New(tb, p.temporalAddr)
	events, err := kafkalog.New(kafkalog.Config{
		Brokers: []string{p.kafkaAddr}, Dial: h.kafka.Dial, RequestTimeout: 3 * time.Second, Logger: p.log,
		Retry: eventlog.Backoff{Min: 50 * time.Millisecond, Max: 500 * time.Millisecond},
	})
	if err != nil {
		tb.Fatal(err)
	}
	p.defers(func(context.Context) error { return events.Close() })
	p.defers(p.broker.Stop)
	p.temporalAddr = h.temporal.Addr
	if err := p.serve(ctx, events); err != nil {
		tb.Fatal(err)
	}
	return h
}

// wholeOnce waits for the end of a registration and of the case that it opens, and checks that every effect happened
// once.
func (h *house) wholeOnce(t *testing.T, caseID string) {
	t.Helper()
	first := h.whole(caseID)
	wantOnce(t, first, 12, 2)
	wantOnce(t, h.whole(first.second), 13, 0)
}

// caseOf reads a case as the operator.
func (h *house) caseOf(caseID string) procedure.Case {
	h.tb.Helper()
	answer, err := h.as("operator-bayern").GetCaseWithResponse(h.tb.Context(), mustUUID(h.tb, caseID))
	if err != nil {
		h.tb.Fatal(err)
	}
	c, err := client.Value(answer, answer.JSON200)
	if err != nil {
		h.tb.Fatal(err)
	}
	return c
}

// metric reads a number of /metrics; 0 when it is not shown.
func (h *house) metric(name string) float64 {
	h.tb.Helper()
	for line := range strings.Lines(string(h.get("/metrics"))) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), name+" "); found {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				h.tb.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// lastHeader keeps the header of the latest answer.
type lastHeader struct{ header http.Header }

func (l *lastHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		l.header = resp.Header
	}
	return resp, err
}

// trySubmit files an application again and again until there is an answer other than 503, or so much time has passed; once
// when that is 0. It returns the case, or the header of the refusal.
func (h *house) trySubmit(id string, app map[string]any, within time.Duration) (caseID string, refused http.Header) {
	h.tb.Helper()
	credentials, err := h.program.credentials("portal-bayern")
	if err != nil {
		h.tb.Fatal(err)
	}
	seen := &lastHeader{}
	c, err := client.Open(client.Config{API: h.program.api, Issuer: h.program.issuer, Credentials: credentials, HTTP: &http.Client{Transport: seen, Timeout: time.Minute}})
	if err != nil {
		h.tb.Fatal(err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); ; <-tick.C {
		answer, err := c.SubmitApplicationWithResponse(h.tb.Context(), client.Submission{SubmissionId: id, Service: string(registration), Region: muenchen, Application: app})
		switch {
		case err == nil && answer.JSON201 != nil:
			return answer.JSON201.CaseId, nil
		case err == nil && answer.JSON200 != nil:
			return answer.JSON200.CaseId, nil
		case contracts.KindOf(err) != contracts.Unavailable:
			h.tb.Fatalf("a submission: %v", err)
		case !time.Now().Before(deadline):
			return "", seen.header
		}
	}
}

// wantRetry checks the answer of one who cannot serve now.
func (h *house) wantRetry(refused http.Header) {
	h.tb.Helper()
	if refused.Get("Retry-After") == "" || refused.Get("Content-Type") != "application/problem+json" {
		h.tb.Errorf("refused with %v", refused)
	}
}

// TestIntakeGoesOnUpToTheBoundWhileTheEventLogIsAway: beyond the bound new cases get 503 with Retry-After, everything else
// goes on, and when the event log is back all that was accepted is worked off, in the order of each case.
func TestIntakeGoesOnUpToTheBoundWhileTheEventLogIsAway(t *testing.T) {
	t.Parallel()
	const bound = 6
	h := openStrained(t, t.TempDir(), func(c *config.Standalone) { c.BacklogMax = bound })
	pkg := packageOf(t, registration)
	app := example(t, pkg, exampleNames(pkg)[0])
	h.kafka.Down(true)
	var accepted, ids []string
	for len(accepted) < 500 {
		id := uuid.NewString()
		caseID, refused := h.trySubmit(id, app, 0)
		if refused != nil {
			h.wantRetry(refused)
			break
		}
		accepted, ids = append(accepted, caseID), append(ids, id)
	}
	t.Logf("%d cases were accepted with a bound of %d events", len(accepted), bound)
	if len(accepted) <= bound || len(accepted) == 500 {
		t.Errorf("%d cases were accepted", len(accepted))
	}
	if again, _ := h.trySubmit(ids[0], app, 0); again != accepted[0] {
		t.Errorf("a repeat beyond the bound opened %q", again)
	}
	if c := h.caseOf(accepted[0]); !c.WaitingForEngine {
		t.Errorf("a case that nothing was told of is shown as %+v", c)
	}
	if n := h.metric("efa_backlog_events"); n <= bound {
		t.Errorf("the backlog is shown as %v", n)
	}
	if ready := string(h.get("/readyz")); !strings.HasPrefix(ready, `{"status":"ready","away":[`) || !strings.Contains(ready, `"event_log"`) {
		t.Errorf("a load balancer is told %s", ready)
	}
	h.kafka.Down(false)
	h.play(offices.Config{})
	for _, caseID := range accepted[:3] {
		h.wholeOnce(t, caseID)
	}
	h.until("everything to be published", func(r reconciliation.Report) bool { return r.Ledger.Unpublished == 0 && r.Log.Behind == 0 })
	healed, _ := h.trySubmit(uuid.NewString(), app, time.Minute) // by itself
	h.wholeOnce(t, healed)
	if c := h.caseOf(accepted[0]); c.WaitingForEngine {
		t.Error("a case that ended is shown as waiting for the engine")
	}
	h.verified()
}

// TestACaseGoesOnOverABadNetworkToTheEventLog: slow, with connections that break, and with answers that are lost although
// the records were written.
func TestACaseGoesOnOverABadNetworkToTheEventLog(t *testing.T) {
	t.Parallel()
	h := openStrained(t, t.TempDir(), nil)
	pkg := packageOf(t, registration)
	h.play(offices.Config{})
	h.kafka.CutReplies(3)
	caseID := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	h.events(caseID, func(e []event.Recorded) bool { return len(e) >= 4 })
	h.kafka.Slow(300 * time.Millisecond)
	h.kafka.Reset()
	h.events(caseID, func(e []event.Recorded) bool { return len(e) >= 8 })
	h.kafka.Slow(0)
	h.kafka.Reset()
	h.wholeOnce(t, caseID)
	whole := h.until("everything to be handed over", func(r reconciliation.Report) bool {
		return r.Consistent && r.Log.Behind == 0 && r.Ledger.Unpublished == 0
	})
	if lost := h.kafka.Lost(); lost == 0 || whole.Log.Records <= whole.Ledger.Events {
		t.Errorf("%d answers were lost, the log holds %d records of %d events; want repeats", lost, whole.Log.Records, whole.Ledger.Events)
	}
	h.verified()
}

// TestMembersThatComeAndGoLoseNothingAndRepeatNothing lets strangers join the groups of both consumers again and again,
// who take their share of the partitions and handle nothing.
func TestMembersThatComeAndGoLoseNothingAndRepeatNothing(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	pkg := packageOf(t, registration)
	h.play(offices.Config{})
	log, err := kafkalog.New(kafkalog.Config{Brokers: []string{h.program.kafkaAddr}, HeartbeatInterval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	stop, stopped := context.WithCancel(t.Context())
	var visits atomic.Int64
	var storms sync.WaitGroup
	for _, group := range []string{"efa.starter", "efa.delivery"} {
		storms.Go(func() {
			for stop.Err() == nil {
				visit, leave := context.WithTimeout(stop, 500*time.Millisecond)
				_ = log.Consume(visit, group, []string{event.Topic}, func(context.Context, []eventlog.Record) error {
					return contracts.Errorf(contracts.Unavailable, "handle", "a stranger handles nothing")
				})
				leave()
				visits.Add(1)
			}
		})
	}
	cases := 0
	for ; visits.Load() < 6; cases++ {
		h.wholeOnce(t, h.submit(example(t, pkg, exampleNames(pkg)[0])))
	}
	stopped()
	storms.Wait()
	t.Logf("%d visits during %d cases", visits.Load(), cases)
	h.until("everything to be handed over", func(r reconciliation.Report) bool { return r.Consistent && r.Log.Behind == 0 })
	h.verified()
}

// TestRepeatsAndDisorderInTheEventLogChangeNothing writes each record of running cases a hundred times, shuffled within a
// window of fifty, and sends the submission of a case again with another body.
func TestRepeatsAndDisorderInTheEventLogChangeNothing(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	pkg := packageOf(t, registration)
	id, app := uuid.NewString(), example(t, pkg, exampleNames(pkg)[0])
	cases := []string{h.submitAs(id, app), h.submit(app)}
	disorder := func() {
		var storm []eventlog.Record
		h.records(func(r eventlog.Record) {
			if len(storm) < 3000 {
				storm = append(storm, slices.Repeat([]eventlog.Record{{Topic: r.Topic, Key: r.Key, Value: r.Value, Headers: r.Headers}}, 100)...)
			}
		})
		seed := rand.Uint64()
		t.Logf("seed %d, %d records", seed, len(storm))
		random := rand.New(rand.NewPCG(seed, 0))
		for i := range storm {
			j := min(i+random.IntN(50), len(storm)-1)
			storm[i], storm[j] = storm[j], storm[i]
		}
		for part := range slices.Chunk(storm, 500) {
			h.forge(part...)
		}
	}
	h.awaitTask()
	disorder()
	h.play(offices.Config{})
	h.events(cases[0], func(e []event.Recorded) bool { return len(e) >= 10 })
	disorder()
	_, err := h.as("portal-bayern").SubmitApplicationWithResponse(t.Context(), client.Submission{
		SubmissionId: id, Service: string(registration), Region: muenchen, Application: example(t, pkg, exampleNames(pkg)[1]),
	})
	if err == nil || contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("the same submission with another body: %v", err)
	}
	for _, c := range cases {
		h.wholeOnce(t, c)
	}
	if n := h.metric("efa_dead_letters"); n != 0 {
		t.Errorf("%v records were put aside", n)
	}
	h.verified()
}

// change changes the ledger's database itself, not its rows.
func (h *house) change(statement string) {
	h.tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.program.cfg.Data, "ledger.db")+"?_pragma=busy_timeout(20000)")
	if err != nil {
		h.tb.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(h.tb.Context(), statement); err != nil {
		h.tb.Fatal(err)
	}
}

// trigger makes the ledger do something of its own accord whenever it hands an event to the relay.
func (h *house) trigger(when, then string) {
	h.tb.Helper()
	h.change("create trigger test after insert on outbox when " + when + " begin " + then + "; end")
}

// TestAJumpIsFilledFromTheLedgerAndCounted lets the third event of each case never reach the event log: both consumers see
// the fourth first, read the third from the ledger, and count it.
func TestAJumpIsFilledFromTheLedgerAndCounted(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	pkg := packageOf(t, registration)
	caseID := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	h.until("the first two events to be handled", func(r reconciliation.Report) bool {
		return r.Ledger.Events == 2 && r.Log.Records == 2 && r.Log.Behind == 0
	})
	h.trigger("new.case_seq = 3", "update outbox set published_at = '2000-01-01 00:00:00+00:00' where case_id = new.case_id and case_seq = 3")
	h.play(offices.Config{})
	h.wholeOnce(t, caseID)
	for _, consumer := range []string{"efa.starter", "efa.delivery"} {
		if n := h.metric(`efa_case_seq_jumps_total{consumer="` + consumer + `"}`); n < 1 {
			t.Errorf("%s counted %v jumps", consumer, n)
		}
	}
}

// TestAPoisonEventStopsItsCaseAloneAndIsSentAgain damages one event in the ledger itself, so that delivery cannot handle
// it. The other case ends; the damaged one ends once the row is mended and its letter sent again.
func TestAPoisonEventStopsItsCaseAloneAndIsSentAgain(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	pkg := packageOf(t, registration)
	h.change(`create table good (case_id text, data text)`)
	h.trigger("new.case_seq = 2 and not exists (select 1 from good)",
		`insert into good select case_id, data from events where case_id = new.case_id and case_seq = 2;
		update events set data = '{"authority": 7}' where case_id = new.case_id and case_seq = 2`)
	victim := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	h.until("the case to stop", func(r reconciliation.Report) bool { return r.Ledger.Stopped == 1 })
	h.play(offices.Config{})
	h.wholeOnce(t, h.submit(example(t, pkg, exampleNames(pkg)[0])))
	if c := h.caseOf(victim); c.ClosedAt != nil {
		t.Error("the damaged case went on")
	}
	h.tamper(`update events set data = (select data from good) where case_id = (select case_id from good) and case_seq = 2`)
	dead := client.ListDeadLettersParamsState(deadletter.Dead)
	answer, err := h.as("operator-bayern").ListDeadLettersWithResponse(t.Context(), &client.ListDeadLettersParams{State: &dead})
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.Value(answer, answer.JSON200)
	if err != nil || len(page.Letters) != 1 || page.Letters[0].Case != victim {
		t.Fatalf("letters %+v, %v", page, err)
	}
	if _, err := h.as("operator-bayern").ResendDeadLetterWithResponse(t.Context(), mustUUID(t, page.Letters[0].ID), client.ResendDeadLetterJSONRequestBody{Reason: "the row was mended"}); err != nil {
		t.Fatal(err)
	}
	h.wholeOnce(t, victim)
	h.verified()
}

// TestIntakeGoesOnWhileTheProcessEngineIsAway loses the engine before a case and in the middle of it, and lets it come
// back slow. No event is lost on the way to it.
func TestIntakeGoesOnWhileTheProcessEngineIsAway(t *testing.T) {
	t.Parallel()
	h := openStrained(t, t.TempDir(), nil)
	pkg := packageOf(t, registration)
	h.temporal.Down(true)
	first := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	if c := h.caseOf(first); !c.WaitingForEngine {
		t.Errorf("without an engine the case is shown as %+v", c)
	}
	h.temporal.Slow(50 * time.Millisecond)
	h.temporal.Down(false)
	h.events(first, func(e []event.Recorded) bool { return len(e) >= 2 })
	h.awaitTask()
	h.temporal.Down(true)
	received := h.play(offices.Config{})
	h.events(first, func(e []event.Recorded) bool {
		return slices.ContainsFunc(e, func(r event.Recorded) bool { return r.Type == event.TypeTaskCompleted })
	})
	if c := h.caseOf(first); !c.WaitingForEngine || c.ClosedAt != nil {
		t.Errorf("with an answer that the engine does not know the case is shown as %+v", c)
	}
	second := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	h.temporal.Down(false)
	h.temporal.Slow(0)
	h.wholeOnce(t, first)
	h.wholeOnce(t, second)
	if c := h.caseOf(first); c.WaitingForEngine {
		t.Error("a case that ended is shown as waiting for the engine")
	}
	if len(files(t, received)) == 0 {
		t.Error("nobody obtained anything")
	}
	h.verified()
}
