package localtemporal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/workflows/localtemporal"
	"github.com/efa-broker/efa-broker/workflows/permit"
	"github.com/efa-broker/efa-broker/workflows/workflowtest"
)

var update = flag.Bool("update", false, "record the histories that workflows/permit replays")

// corpus is where the histories lie, and the definitions that they were recorded under.
const corpus = "../permit/testdata"

// office is a permit process on a real server, with a ledger in memory, and the office that answers its tasks.
type office struct {
	t           *testing.T
	ledger      *workflowtest.Ledger
	definitions workflowtest.Definitions
	client      *permit.Client
	// done tells which step of which case the ledger holds now.
	done chan string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{
		t: t, ledger: workflowtest.NewLedger(), definitions: workflowtest.Definitions{}, done: make(chan string, 100),
	}
	o.ledger.After = func(c engine.Command, _ engine.Result) { o.done <- c.Case + " " + c.Step }
	return o
}

func (o *office) connect(hostPort string) {
	o.t.Helper()
	c, err := permit.NewClient(o.t.Context(), permit.ClientConfig{HostPort: hostPort})
	if err != nil {
		o.t.Fatal(err)
	}
	if err := c.Ready(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	o.client = c
}

func (o *office) worker(cfg permit.WorkerConfig) *permit.Worker {
	o.t.Helper()
	cfg.Client = o.client
	if cfg.Ports == nil {
		cfg.Ports = o.ledger
	}
	if cfg.Source == nil {
		cfg.Source = o.definitions
	}
	w := permit.NewWorker(cfg)
	if err := w.Start(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	return w
}

func (o *office) stop(w *permit.Worker) {
	o.t.Helper()
	for range 2 { // a second stop does nothing
		if err := w.Stop(context.WithoutCancel(o.t.Context())); err != nil {
			o.t.Error(err)
		}
	}
}

// submit opens a case and hands its submission over.
func (o *office) submit(caseID, definition string, facts fact.Values) engine.Start {
	o.t.Helper()
	start := engine.Start{Case: caseID, Definition: o.definitions.Add(o.t, definition)}
	o.handOver(start, o.ledger.Submit(engine.Case{
		ID: caseID, Definition: start.Definition, Kind: procedure.Notification, Facts: facts,
		Parties: []authority.Party{
			{Role: authority.Lead, Authority: "gewerbeamt-muenchen"},
			{Role: authority.Previous, Authority: "gewerbeamt-nuernberg"},
		},
	}))
	return start
}

func (o *office) handOver(start engine.Start, e engine.Event) {
	o.t.Helper()
	if err := o.client.HandOver(o.t.Context(), start, e); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) answer(start engine.Start, step, outcome string) {
	o.t.Helper()
	o.handOver(start, o.ledger.Answer(start.Case, step, outcome, nil))
}

// await waits until the ledger holds the result of a step.
func (o *office) await(start engine.Start, step string) {
	o.t.Helper()
	const patience = 30 * time.Second
	for timeout := time.After(patience); ; {
		select {
		case done := <-o.done:
			if done == start.Case+" "+step {
				return
			}
		case <-timeout:
			p, err := o.client.Position(context.WithoutCancel(o.t.Context()), start.Case)
			o.t.Fatalf("step %s was not done; position %+v, %v", step, p, err)
		}
	}
}

// move walks a whole registration by move and returns the time that the engine took for it.
func (o *office) move(caseID string) (engine.Start, time.Duration) {
	o.t.Helper()
	begin := time.Now()
	start := o.submit(caseID, workflowtest.Registration, fact.Values{"full_move": true})
	o.await(start, "register")
	o.answer(start, "register", "registered")
	o.await(start, "inform")
	o.answer(start, "forward", "deregistered")
	o.await(start, "done")
	return start, time.Since(begin)
}

func way(l *workflowtest.Ledger, caseID string) []string {
	var all []string
	for _, e := range l.Effects(caseID) {
		all = append(all, e.Result.Step)
	}
	return all
}

var wholeMove = []string{"register", "acknowledge", "forward", "inform", "done"}

func serve(t *testing.T, cfg localtemporal.Config) (hostPort string, stop func()) {
	t.Helper()
	s := localtemporal.New(cfg)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.HostPort(), func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

func TestAMoveRunsOnTheServerAndNothingMovesAfterItsEnd(t *testing.T) {
	t.Parallel()
	hostPort, stop := serve(t, localtemporal.Config{})
	defer stop()
	o := newOffice(t)
	o.connect(hostPort)
	defer o.client.Close()
	defer o.stop(o.worker(permit.WorkerConfig{}))

	start, took := o.move("00000000-0000-4000-8000-000000000001")
	t.Logf("first move: %v", took.Round(time.Millisecond))
	_, took = o.move("00000000-0000-4000-8000-000000000002")
	t.Logf("second move: %v", took.Round(time.Millisecond))
	if diff := cmp.Diff(wholeMove, way(o.ledger, start.Case)); diff != "" {
		t.Errorf("way (-want +got):\n%s", diff)
	}
	ended(t, hostPort, start.Case)
	late := o.ledger.Append(start.Case, engine.Event{Type: "de.efa.case.noted.v1"})
	o.handOver(start, late)
	ended(t, hostPort, start.Case)
	if diff := cmp.Diff(wholeMove, way(o.ledger, start.Case)); diff != "" {
		t.Errorf("a late event moved a case that has ended (-want +got):\n%s", diff)
	}
	if _, err := o.client.Position(t.Context(), "no-such-case"); contracts.KindOf(err) != contracts.NotFound || err == nil {
		t.Errorf("Position() of an unknown case = %v, want NotFound", err)
	}
}

// ended waits until the workflow itself is closed: its last command is in the ledger a moment before.
func ended(t *testing.T, hostPort, caseID string) {
	t.Helper()
	c := dial(t, hostPort)
	defer c.Close()
	if err := c.GetWorkflow(t.Context(), caseID, "").Get(t.Context(), nil); err != nil {
		t.Fatalf("the workflow failed: %v", err)
	}
}

func dial(t *testing.T, hostPort string) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: hostPort, Namespace: permit.DefaultNamespace})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACaseContinuesWhenServerAndWorkerStartAgainOnTheirFiles(t *testing.T) {
	t.Parallel()
	walkOverRestart(t, localtemporal.Config{Dir: t.TempDir()})
}

// walkOverRestart stops server and worker in mid-case and starts both again over the same data.
func walkOverRestart(t *testing.T, cfg localtemporal.Config) {
	t.Helper()
	o := newOffice(t)
	hostPort, stop := serve(t, cfg)
	o.connect(hostPort)
	w := o.worker(permit.WorkerConfig{})
	start := o.submit("00000000-0000-4000-8000-000000000003", workflowtest.Registration, fact.Values{"full_move": true})
	o.await(start, "register")
	o.stop(w)
	o.client.Close()
	stop()

	hostPort, stop = serve(t, cfg)
	defer stop()
	o.connect(hostPort)
	defer o.client.Close()
	defer o.stop(o.worker(permit.WorkerConfig{Preload: []string{start.Definition}}))
	o.answer(start, "register", "registered")
	o.await(start, "inform")
	o.answer(start, "forward", "deregistered")
	o.await(start, "done")
	if diff := cmp.Diff(wholeMove, way(o.ledger, start.Case)); diff != "" {
		t.Errorf("way (-want +got):\n%s", diff)
	}
}

// TestACaseContinuesAfterItsWorkflowWasEndedFromOutside: an operator's mistake in the engine ends no case.
func TestACaseContinuesAfterItsWorkflowWasEndedFromOutside(t *testing.T) {
	t.Parallel()
	hostPort, stop := serve(t, localtemporal.Config{})
	defer stop()
	o := newOffice(t)
	o.connect(hostPort)
	defer o.client.Close()
	defer o.stop(o.worker(permit.WorkerConfig{}))
	start := o.submit("00000000-0000-4000-8000-000000000009", workflowtest.Registration, fact.Values{"full_move": true})
	o.await(start, "register")
	c := dial(t, hostPort)
	defer c.Close()
	if err := c.TerminateWorkflow(t.Context(), start.Case, "", "by mistake"); err != nil {
		t.Fatal(err)
	}
	o.answer(start, "register", "registered")
	o.await(start, "inform")
	o.answer(start, "forward", "deregistered")
	o.await(start, "done")
	if diff := cmp.Diff(wholeMove, way(o.ledger, start.Case)); diff != "" {
		t.Errorf("way (-want +got):\n%s", diff)
	}
}

// TestACaseContinuesOnAnEmptyEngine loses the engine with all its data in mid-case.
func TestACaseContinuesOnAnEmptyEngine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	hostPort, stop := serve(t, localtemporal.Config{})
	o.connect(hostPort)
	w := o.worker(permit.WorkerConfig{})
	start := o.submit("00000000-0000-4000-8000-000000000004", workflowtest.Registration, fact.Values{"full_move": true})
	o.await(start, "register")
	o.answer(start, "register", "registered")
	o.await(start, "inform")
	o.stop(w)
	o.client.Close()
	stop()

	hostPort, stop = serve(t, localtemporal.Config{})
	defer stop()
	o.connect(hostPort)
	defer o.client.Close()
	defer o.stop(o.worker(permit.WorkerConfig{}))
	o.answer(start, "forward", "deregistered") // the starter needs to hand over the next event only
	o.await(start, "done")
	if diff := cmp.Diff(wholeMove, way(o.ledger, start.Case)); diff != "" {
		t.Errorf("way (-want +got):\n%s", diff)
	}
}

// TestAnEngineThatLostACaseSaysSoAndResumesIt loses the engine after an answer was recorded that was never handed over; the
// resumed process finds it in the ledger. Resuming what runs, and what has ended, has no effect.
func TestAnEngineThatLostACaseSaysSoAndResumesIt(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	hostPort, stop := serve(t, localtemporal.Config{})
	o.connect(hostPort)
	w := o.worker(permit.WorkerConfig{})
	start := o.submit("00000000-0000-4000-8000-000000000006", workflowtest.Registration, fact.Values{"full_move": true})
	o.await(start, "register")
	wantRun := func(want engine.Run) {
		t.Helper()
		if got, err := o.client.Run(t.Context(), start.Case); err != nil || got != want {
			t.Errorf("run %+v, %v, want %+v", got, err, want)
		}
	}
	resume := func() {
		t.Helper()
		if err := o.client.Resume(t.Context(), start); err != nil {
			t.Fatal(err)
		}
	}
	wantRun(engine.Run{State: engine.Running, Applied: 1})
	resume()
	wantRun(engine.Run{State: engine.Running, Applied: 1})
	o.stop(w)
	o.client.Close()
	stop()
	o.ledger.Answer(start.Case, "register", "registered", nil)

	hostPort, stop = serve(t, localtemporal.Config{})
	defer stop()
	o.connect(hostPort)
	defer o.client.Close()
	defer o.stop(o.worker(permit.WorkerConfig{}))
	wantRun(engine.Run{State: engine.Absent})
	resume()
	o.await(start, "inform")
	o.answer(start, "forward", "deregistered")
	o.await(start, "done")
	ended(t, hostPort, start.Case)
	wantRun(engine.Run{State: engine.Ended})
	resume() // as if the ledger still held it open
	ended(t, hostPort, start.Case)
	if diff := cmp.Diff(wholeMove, way(o.ledger, start.Case)); diff != "" {
		t.Errorf("way (-want +got):\n%s", diff)
	}
}

// late is a source that does not know a definition at first.
type late struct {
	workflowtest.Definitions
	asked   chan struct{}
	present atomic.Bool
}

func (l *late) Definition(ctx context.Context, hash string) ([]byte, error) {
	if l.present.Load() {
		return l.Definitions.Definition(ctx, hash)
	}
	select {
	case l.asked <- struct{}{}:
	default:
	}
	return nil, contracts.Errorf(contracts.NotFound, "read definition", "no such row")
}

func TestACaseWaitsForAWorkerThatKnowsItsDefinition(t *testing.T) {
	t.Parallel()
	hostPort, stop := serve(t, localtemporal.Config{})
	defer stop()
	o := newOffice(t)
	o.connect(hostPort)
	defer o.client.Close()
	source := &late{Definitions: o.definitions, asked: make(chan struct{}, 1)}
	defer o.stop(o.worker(permit.WorkerConfig{Source: source}))
	start := o.submit("00000000-0000-4000-8000-000000000005", workflowtest.Deregistration, fact.Values{})
	<-source.asked
	if got := way(o.ledger, start.Case); len(got) != 0 {
		t.Errorf("commands without a definition: %v", got)
	}
	source.present.Store(true)
	o.await(start, "done")
}

func TestAPreloadThatFailsIsFoundAtTheStart(t *testing.T) {
	t.Parallel()
	hostPort, stop := serve(t, localtemporal.Config{})
	defer stop()
	o := newOffice(t)
	o.connect(hostPort)
	defer o.client.Close()
	w := permit.NewWorker(permit.WorkerConfig{
		Client: o.client, Ports: o.ledger, Source: o.definitions, Preload: []string{"unknown"},
	})
	if err := w.Start(t.Context()); contracts.KindOf(err) != contracts.NotFound || err == nil {
		t.Errorf("Start() = %v, want NotFound", err)
	}
	o.stop(w)
	if err := w.Start(t.Context()); contracts.KindOf(err) != contracts.Conflict || err == nil {
		t.Errorf("Start() after Stop() = %v, want a Conflict", err)
	}
}

// TestStartAndStopOfAWorkerMayBeHammered calls both from many sides at once: one start wins, and the end is a stopped
// worker, whatever the order.
func TestStartAndStopOfAWorkerMayBeHammered(t *testing.T) {
	t.Parallel()
	hostPort, stop := serve(t, localtemporal.Config{})
	defer stop()
	o := newOffice(t)
	o.connect(hostPort)
	defer o.client.Close()
	for range 5 {
		w := permit.NewWorker(permit.WorkerConfig{Client: o.client, Ports: o.ledger, Source: o.definitions})
		var begun atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if w.Start(t.Context()) == nil {
					begun.Add(1)
				}
			})
			all.Go(func() {
				if err := w.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		o.stop(w)
		if begun.Load() > 1 {
			t.Errorf("%d starts succeeded, want at most one", begun.Load())
		}
		if err := w.Start(t.Context()); contracts.KindOf(err) != contracts.Conflict || err == nil {
			t.Errorf("Start() after all = %v, want a Conflict", err)
		}
	}
}

// counting counts the commands that one worker gave.
type counting struct {
	permit.Ports
	moves atomic.Int64
}

func (c *counting) Move(ctx context.Context, cmd engine.Move) (engine.Result, error) {
	c.moves.Add(1)
	return c.Ports.Move(ctx, cmd)
}

func TestACaseMovesToTheNewVersionWhenItsRunIsRenewed(t *testing.T) {
	t.Parallel()
	hostPort, stop := serve(t, localtemporal.Config{})
	defer stop()
	o := newOffice(t)
	o.connect(hostPort)
	defer o.client.Close()
	before, after := &counting{Ports: o.ledger}, &counting{Ports: o.ledger}
	defer o.stop(o.worker(permit.WorkerConfig{BuildID: "v1", Ports: before}))
	start := o.submit("00000000-0000-4000-8000-000000000006", workflowtest.Registration, fact.Values{"full_move": true})
	o.await(start, "register")

	defer o.stop(o.worker(permit.WorkerConfig{BuildID: "v2", Ports: after}))
	o.answer(start, "register", "registered")
	o.await(start, "inform")
	o.answer(start, "forward", "deregistered")
	o.await(start, "done")
	if before.moves.Load() != 0 || after.moves.Load() != 2 {
		t.Errorf("moves by v1 = %d, by v2 = %d; want 0 and 2", before.moves.Load(), after.moves.Load())
	}
	if diff := cmp.Diff(wholeMove, way(o.ledger, start.Case)); diff != "" {
		t.Errorf("way (-want +got):\n%s", diff)
	}
}

// TestHistoriesAreFreeOfTextsAndCanBeRecorded walks representative cases. With -update it records their histories for the
// replay test of workflows/permit.
func TestHistoriesAreFreeOfTextsAndCanBeRecorded(t *testing.T) {
	t.Parallel()
	walkHistories(t, localtemporal.Config{}, *update)
}

// walkHistories walks representative cases on a server with cfg and checks their histories; it may record them.
func walkHistories(t *testing.T, cfg localtemporal.Config, recording bool) {
	t.Helper()
	hostPort, stop := serve(t, cfg)
	defer stop()
	o := newOffice(t)
	o.connect(hostPort)
	defer o.client.Close()
	const canary = "canary-4711"
	failed := map[string]bool{}
	o.ledger.Before = func(c engine.Command) error {
		if at := c.Case + c.Step; !failed[at] && (c.Step == "inform" || c.Step == "by_silence") {
			failed[at] = true
			return contracts.Errorf(contracts.Unavailable, "announce", "the ledger says %s", canary)
		}
		return nil
	}
	defer o.stop(o.worker(permit.WorkerConfig{}))
	for name, walk := range o.representatives() {
		start := walk("00000000-0000-4000-8000-" + name)
		ended(t, hostPort, start.Case)
		raw := history(t, hostPort, start.Case)
		if bytes.Contains(raw, []byte(canary)) {
			t.Errorf("the history of %s holds the text of an error", name)
		}
		if !bytes.Contains(raw, []byte(`"unavailable"`)) {
			t.Errorf("the history of %s does not hold the code of the failure", name)
		}
		if recording {
			record(t, filepath.Join(corpus, "history", name+".json"), raw)
			record(t, filepath.Join(corpus, "definition", start.Definition+".json"), o.definitions[start.Definition])
		}
	}
}

// representatives are the cases of the corpus; each walks to its end with one technical fault at its announcement.
func (o *office) representatives() map[string]func(caseID string) engine.Start {
	return map[string]func(string) engine.Start{
		"hearing": func(id string) engine.Start { // silence ends two tasks, a person is told of the third
			due := time.Now().Add(time.Second).UTC().Truncate(time.Microsecond)
			o.ledger.Deadlines = map[string]law.Deadline{}
			for _, effect := range []law.SilenceEffect{law.DeemedGranted, law.Disregardable, law.None} {
				name := map[law.SilenceEffect]string{law.DeemedGranted: "deemed", law.Disregardable: "disregardable", law.None: "nothing"}[effect]
				at := due.Add(time.Duration(len(o.ledger.Deadlines)) * 200 * time.Millisecond)
				o.ledger.Deadlines[name] = law.Deadline{Law: name, Due: &at, SilenceEffect: effect}
			}
			start := o.submit(id, workflowtest.Hearing, fact.Values{})
			o.await(start, "nothing/overdue")
			o.answer(start, "nothing", "agreed")
			o.await(start, "done")
			return start
		},
		"move": func(id string) engine.Start {
			start, _ := o.move(id)
			return start
		},
		"registration": func(id string) engine.Start {
			start := o.submit(id, workflowtest.Registration, fact.Values{"full_move": false})
			o.await(start, "register")
			o.answer(start, "register", "registered")
			o.await(start, "done")
			return start
		},
		"deregistration": func(id string) engine.Start {
			start := o.submit(id, workflowtest.Deregistration, fact.Values{})
			o.await(start, "done")
			return start
		},
		"not-competent": func(id string) engine.Start {
			start := o.submit(id, workflowtest.Registration, fact.Values{"full_move": true})
			o.await(start, "register")
			o.answer(start, "register", engine.NotCompetent)
			o.await(start, "register/attention")
			o.answer(start, "register", "registered")
			o.await(start, "inform")
			o.answer(start, "forward", "deregistered")
			o.await(start, "done")
			return start
		},
		"news": func(id string) engine.Start { // events without a signal: they are the answer to a command
			start := o.submit(id, workflowtest.Registration, fact.Values{"full_move": true})
			o.await(start, "register")
			o.ledger.Append(id, engine.Event{Type: "de.efa.case.noted.v1"})
			o.answer(start, "register", "registered")
			o.await(start, "inform")
			o.ledger.Append(id, engine.Event{Type: "de.efa.case.noted.v1"})
			o.answer(start, "forward", "deregistered")
			o.await(start, "done")
			return start
		},
	}
}

// history reads the events of a workflow in the form that the replayer reads, without what the machine adds.
func history(t *testing.T, hostPort, caseID string) []byte {
	t.Helper()
	c := dial(t, hostPort)
	defer c.Close()
	var h historypb.History
	events := c.GetWorkflowHistory(t.Context(), caseID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		h.Events = append(h.Events, e)
	}
	raw, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(&h)
	if err != nil {
		t.Fatal(err)
	}
	// Identities and sticky queues are named after the machine.
	if host, err := os.Hostname(); err == nil && host != "" {
		raw = bytes.ReplaceAll(raw, []byte("@"+host+"@"), []byte("@recorder@"))
		raw = bytes.ReplaceAll(raw, []byte(`"`+host+":"), []byte(`"recorder:`))
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", " "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func record(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
