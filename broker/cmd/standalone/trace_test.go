package main

import (
	"context"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// exported is a collector of the test's own: it takes what the broker exports over OTLP/HTTP.
type exported struct {
	mu    sync.Mutex
	raw   []byte
	spans []*tracepb.Span
}

func (e *exported) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	var batch collector.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(raw, &batch) != nil {
		http.Error(w, "no traces", http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.raw = append(e.raw, raw...)
	for _, r := range batch.GetResourceSpans() {
		for _, s := range r.GetScopeSpans() {
			e.spans = append(e.spans, s.GetSpans()...)
		}
	}
}

// chain are the spans of one trace by their ids.
type chain map[string]*tracepb.Span

// of are the spans of the trace that a traceparent names.
func (e *exported) of(traceParent string) chain {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := chain{}
	for _, s := range e.spans {
		if hex.EncodeToString(s.GetTraceId()) == traceParent[3:35] {
			out[hex.EncodeToString(s.GetSpanId())] = s
		}
	}
	return out
}

// name is a span's name with its operation: "request.serve fetchContent".
func name(s *tracepb.Span) string {
	if op := attributes(s)["efa.operation"]; op != "" {
		return s.GetName() + " " + op
	}
	return s.GetName()
}

func attributes(s *tracepb.Span) map[string]string {
	out := map[string]string{}
	for _, kv := range s.GetAttributes() {
		out[kv.GetKey()] = kv.GetValue().GetStringValue()
	}
	return out
}

// way is the names of a span and of everything that it follows, nearest first.
func (c chain) way(id string) []string {
	var out []string
	for s := c[id]; s != nil; s = c[hex.EncodeToString(s.GetParentSpanId())] {
		out = append(out, name(s))
	}
	return out
}

// The trace with which the portal begins.
const portalTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// traced plays one move with tracing switched on, with an application whose every text is a canary, and returns what was
// exported, the events of both cases and what must stand nowhere.
func traced(t *testing.T) (e *exported, events []event.Recorded, needles []string) {
	t.Helper()
	e = &exported{}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	pkg := packageOf(t, registration)
	app, entry, needles := spiked(t, pkg, exampleNames(pkg)[0])
	needles = append(needles, "CANARY-REFERENCE", "CANARY-SUBMISSION", "CANARY-BAGGAGE", "CANARY-STATE")
	dir := t.TempDir()
	t.Run("one case", func(t *testing.T) { // at its end, everything is stopped and what is left is exported
		cfg := options(dir)
		cfg.OTLPEndpoint = server.URL
		h := openWith(t, cfg)
		h.play(offices.Config{
			Entries: []offices.Entry{entry}, FileReference: func(string) string { return "CANARY-REFERENCE" }, Tracer: officeTracer{h.program.tracer},
		})
		answer, err := h.as("portal-bayern").SubmitApplicationWithResponse(event.WithTraceParent(t.Context(), portalTrace), client.Submission{
			SubmissionId: "CANARY-SUBMISSION-1", Service: string(registration), Region: muenchen, Application: app,
		}, func(_ context.Context, r *http.Request) error {
			r.Header.Set("Baggage", "name=CANARY-BAGGAGE")
			r.Header.Set("Tracestate", "name=CANARY-STATE")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		first := h.whole(answer.JSON201.CaseId)
		events = slices.Concat(first.events, h.whole(first.second).events)
	})
	if t.Failed() {
		t.FailNow()
	}
	scan(t, []string{"CANARY-BAGGAGE", "CANARY-STATE"}, files(t, dir))
	return e, events, needles
}

func TestOneTraceGoesThroughEveryStageOfACase(t *testing.T) { //nolint:tparallel // its one subtest is a stage that ends before the test goes on
	t.Parallel()
	e, events, needles := traced(t)
	spans := e.of(portalTrace)
	ways := map[string]bool{}
	for id, s := range spans {
		way := spans.way(id)
		if way[len(way)-1] != "request.serve submitApplication" {
			t.Errorf("%v does not begin with the portal's request", way)
		}
		if len(way) == 1 && hex.EncodeToString(s.GetParentSpanId()) != portalTrace[36:52] {
			t.Errorf("the request does not follow the portal's span")
		}
		if s.GetName() == "event.hand_over" {
			ways[strings.Join(way, " < ")] = true
		}
		// A consumer that is behind handles an event before its record comes: then the record is no stage of the way.
		way = slices.DeleteFunc(way, func(name string) bool { return name == "event.publish" })
		for n := range min(len(way), 4) {
			ways[strings.Join(way[:n+1], " < ")] = true
		}
	}
	for _, want := range []string{
		"event.hand_over < event.publish < request.serve submitApplication",
		"case.load < event.hand_over < request.serve submitApplication",
		"task.assign < event.hand_over < request.serve submitApplication",
		"disclosure.decide < task.assign < event.hand_over",
		"event.deliver < task.assign < event.hand_over",
		"item.handle < event.deliver < task.assign",
		"request.serve fetchContent < item.handle < event.deliver < task.assign",
		"disclosure.decide < request.serve fetchContent < item.handle < event.deliver",
		"content.filter < request.serve fetchContent < item.handle < event.deliver",
		"request.serve acceptDelivery < item.handle < event.deliver < parties.announce",
		"request.serve storeContent < item.handle < event.deliver < task.assign",
		"request.serve completeTask < item.handle < event.deliver < task.assign",
		"request.serve submitApplication < item.handle < event.deliver < task.assign",
		"disclosure.decide < parties.announce",
	} {
		if !ways[want] {
			t.Errorf("no way is %s", want)
		}
	}
	if t.Failed() {
		t.Logf("ways:\n%s", strings.Join(slices.Sorted(maps.Keys(ways)), "\n"))
	}
	steps := map[string]bool{}
	for _, ev := range events { // every event of both cases, so every step that appended one
		origin := spans[ev.TraceParent[36:52]]
		if ev.TraceParent[3:35] != portalTrace[3:35] || origin == nil {
			t.Errorf("%s of case %s comes from %s, which is no span of the trace", ev.Type, ev.Case, ev.TraceParent)
			continue
		}
		if step := attributes(origin)["efa.step"]; step != "" {
			steps[step] = true
		}
	}
	if len(steps) < 5 {
		t.Errorf("only steps %v were traced", steps)
	}
	wantNothingToldInSpans(t, e, events, needles)
}

// wantNothingToldInSpans checks that spans hold names, keys and values from closed lists, and nobody's data.
func wantNothingToldInSpans(t *testing.T, e *exported, events []event.Recorded, needles []string) {
	t.Helper()
	keys := map[string]bool{}
	cases := map[string]bool{}
	for _, ev := range events {
		cases[ev.Case] = true
	}
	for _, s := range e.spans {
		for _, kv := range s.GetAttributes() {
			keys[kv.GetKey()] = true
			if kv.GetKey() == "efa.case_id" && !cases[kv.GetValue().GetStringValue()] {
				t.Errorf("%s names case %s", s.GetName(), kv.GetValue())
			}
		}
		if len(s.GetEvents()) > 0 || len(s.GetLinks()) > 0 || s.GetTraceState() != "" {
			t.Errorf("%s says more than its attributes: %v", s.GetName(), s)
		}
		if a := attributes(s); s.GetName() == "disclosure.decide" && a["efa.outcome"] != "" && !strings.Contains(name(e.of(traceOf(s))[hex.EncodeToString(s.GetParentSpanId())]), "fetchContent") {
			t.Errorf("an abstract decision tells its outcome: %v", a)
		}
	}
	want := []string{
		"efa.authority_id", "efa.case_id", "efa.count", "efa.event_type", "efa.operation", "efa.outcome", "efa.pass", "efa.step", "http.response.status_code",
	}
	if got := slices.Sorted(maps.Keys(keys)); !slices.Equal(got, want) {
		t.Errorf("keys are %v, want %v", got, want)
	}
	if len(e.raw) == 0 {
		t.Fatal("nothing was exported")
	}
	scan(t, needles, map[string][]byte{"the traces": e.raw})
}

// traceOf writes a span's own context.
func traceOf(s *tracepb.Span) string {
	return "00-" + hex.EncodeToString(s.GetTraceId()) + "-" + hex.EncodeToString(s.GetSpanId()) + "-01"
}

func TestWithoutACollectorNoTraceLeaves(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	h.submitAs(uuid.NewString(), example(t, packageOf(t, registration), exampleNames(packageOf(t, registration))[0]))
	h.awaitTask()
	wait := 0
	answer, err := h.as("gewerbeamt-muenchen").ReadInboxWithResponse(t.Context(), &client.ReadInboxParams{WaitSeconds: &wait})
	if err != nil || answer.JSON200 == nil {
		t.Fatal(err)
	}
	for _, item := range answer.JSON200.Items {
		if item.TraceParent != "" {
			t.Errorf("item %s brings trace %s", item.ID, item.TraceParent)
		}
	}
	if h.program.tracer.On() {
		t.Error("spans are made")
	}
}
