package trace

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

const (
	sent    = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	another = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01"
	foreign = "00-ffffffffffffffffffffffffffffffff-2222222222222222-01"
)

// memory is a tracer whose spans can be looked at.
func memory(t *testing.T) (*Tracer, *tracetest.InMemoryExporter) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	tracer := newTracer(sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)))
	t.Cleanup(func() {
		if err := tracer.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tracer, exporter
}

func TestASpanFollowsTheContextAndIsFollowed(t *testing.T) {
	t.Parallel()
	tracer, exporter := memory(t)
	outer, a := tracer.Start(event.WithTraceParent(t.Context(), sent), EventHandOver, Case("c1"))
	_, b := tracer.Start(outer, TaskAssign, Step("assign"), Pass(1))
	b.End(nil)
	a.End(contracts.Errorf(contracts.Unavailable, "hand over", "CANARY"))
	spans := exporter.GetSpans()
	if len(spans) != 2 || spans[0].Parent.SpanID() != spans[1].SpanContext.SpanID() || spans[1].Parent.SpanID().String() != "00f067aa0ba902b7" {
		t.Fatalf("got %+v", spans)
	}
	for _, s := range spans {
		if s.SpanContext.TraceID().String() != "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Errorf("%s is in trace %s", s.Name, s.SpanContext.TraceID())
		}
	}
	if got := spans[1].Status.Description; got != "unavailable" {
		t.Errorf("the error is told as %q", got)
	}
}

func TestWithoutAContextATraceBegins(t *testing.T) {
	t.Parallel()
	tracer, exporter := memory(t)
	for _, parent := range []string{"", "CANARY", sent[:54], strings.ToUpper(sent), "00-" + strings.Repeat("0", 32) + sent[35:]} {
		ctx, s := tracer.Start(event.WithTraceParent(t.Context(), parent), RequestServe)
		s.End(nil)
		if tp := event.TraceParent(ctx); len(tp) != len(sent) || strings.Contains(tp, sent[3:35]) {
			t.Errorf("after %q the context carries %q", parent, tp)
		}
	}
	for _, s := range exporter.GetSpans() {
		if s.Parent.IsValid() {
			t.Errorf("%s has a parent", s.SpanContext.TraceID())
		}
	}
}

func TestAHopCountsOnlyInTheTraceOfItsEvent(t *testing.T) {
	t.Parallel()
	tracer, _ := memory(t)
	for _, c := range []struct{ origin, hop, want string }{
		{sent, "", sent},
		{sent, another, another},
		{sent, foreign, sent},
		{sent, "CANARY", sent},
		{"", foreign, ""},
	} {
		if got := event.TraceParent(tracer.Follow(t.Context(), event.Recorded{TraceParent: c.origin, Hop: c.hop})); got != c.want {
			t.Errorf("origin %q, hop %q: follows %q, want %q", c.origin, c.hop, got, c.want)
		}
	}
	hops := Hops([]event.Recorded{{Case: "a", CaseSeq: 1, Hop: sent}, {Case: "a", CaseSeq: 2}, {Case: "b", CaseSeq: 1, Hop: another}}, "a")
	if len(hops) != 1 || hops[1] != sent {
		t.Errorf("hops %v", hops)
	}
}

func TestASpanHasNoRoomForText(t *testing.T) {
	t.Parallel()
	tracer, exporter := memory(t)
	_, s := tracer.Start(t.Context(), CaseMove, Case("Erika Mustermann"), Step("Straße"), Authority("a,b"), EventType("x\ny"), Outcome(""), Operation(strings.Repeat("a", 129)))
	s.Note(Outcome("Gewerbe"), Operation("fetchContent"), Count(0))
	s.End(errors.New("CANARY"))
	var got []string
	for _, kv := range exporter.GetSpans()[0].Attributes {
		got = append(got, string(kv.Key)+"="+kv.Value.String())
	}
	want := "efa.outcome=internal efa.operation=fetchContent efa.count=0"
	if strings.Join(got, " ") != want {
		t.Errorf("attributes %v, want %s", got, want)
	}
}

func TestSwitchedOffTracingCostsNothing(t *testing.T) {
	t.Parallel()
	tracer, err := Open(t.Context(), Config{})
	if err != nil || tracer.On() {
		t.Fatalf("open without an endpoint: %v, %v", tracer, err)
	}
	ctx := event.WithTraceParent(t.Context(), sent)
	got, s := tracer.Start(ctx, TaskAssign, Case("c1"))
	s.Note(Count(1))
	s.End(nil)
	if got != ctx || tracer.Follow(ctx, event.Recorded{TraceParent: another}) != ctx {
		t.Error("the context was replaced")
	}
	if err := tracer.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func TestACollectorThatRefusesCostsSpansOnly(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(collector.Close)
	var log strings.Builder
	tracer, err := Open(t.Context(), Config{Endpoint: collector.URL + "/", Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	_, s := tracer.Start(t.Context(), TaskAssign)
	s.End(nil)
	if err := tracer.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if got := <-asked; got != "POST /v1/traces" || !strings.Contains(log.String(), "spans were not exported") {
		t.Errorf("asked %s, log %s", got, log.String())
	}
}

func TestACollectorThatIsGoneDoesNotStopTheStop(t *testing.T) {
	t.Parallel()
	collector := httptest.NewServer(http.NotFoundHandler())
	collector.Close()
	var log strings.Builder
	tracer, err := Open(t.Context(), Config{Endpoint: collector.URL, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	_, s := tracer.Start(t.Context(), TaskAssign)
	s.End(nil)
	if err := tracer.Stop(t.Context()); err != nil || !strings.Contains(log.String(), "not exported") {
		t.Errorf("stop: %v, log %s", err, log.String())
	}
}

func BenchmarkSwitchedOff(b *testing.B) {
	var tracer *Tracer
	ctx := event.WithTraceParent(b.Context(), sent)
	b.ReportAllocs()
	for b.Loop() {
		_, s := tracer.Start(ctx, TaskAssign, Case("c1"), Step("assign"), Pass(1))
		s.End(nil)
	}
}
