package trace

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Config says where spans go.
type Config struct {
	// Endpoint is the base URL of a collector that speaks OTLP over HTTP: "http://127.0.0.1:4318". Empty switches tracing
	// off. Further settings of the export (headers, certificates, sampling) come from the variables that OpenTelemetry
	// itself defines, such as OTEL_EXPORTER_OTLP_HEADERS and OTEL_TRACES_SAMPLER.
	Endpoint string
	// Log learns of spans that could not be exported.
	Log *slog.Logger
}

// tracesPath is where a collector takes traces (OTLP 1.x).
const tracesPath = "/v1/traces"

// Open returns a tracer that exports in the background, or nil when there is no endpoint. It sends nothing yet: a
// collector that cannot be reached costs spans, never the work that they tell of.
func Open(ctx context.Context, cfg Config) (*Tracer, error) {
	if cfg.Endpoint == "" {
		return nil, nil // tracing switched off
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimSuffix(cfg.Endpoint, "/")+tracesPath))
	if err != nil {
		return nil, fmt.Errorf("open exporter of traces: %w", err)
	}
	t := newTracer(sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(loud{exporter, cfg.Log}),
		// Not resource.Default: it would take whatever stands in OTEL_RESOURCE_ATTRIBUTES.
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "efa-broker"))),
	))
	t.log = cfg.Log
	return t, nil
}

// patience is how long Stop waits for a collector.
const patience = 2 * time.Second

// Stop exports what is left and ends. It may be called on nil. It never fails: a collector that is gone costs the last
// spans, and the log says so.
func (t *Tracer) Stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.WarnContext(ctx, "the last spans were not exported", "error", err)
	}
	return nil
}

// loud tells the log of what could not be exported; the SDK would write it to the standard error of the process.
type loud struct {
	sdktrace.SpanExporter
	log *slog.Logger
}

// ExportSpans never fails: spans that are lost stop nothing.
func (l loud) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := l.SpanExporter.ExportSpans(ctx, spans); err != nil {
		l.log.WarnContext(ctx, "spans were not exported", "count", len(spans), "error", err)
	}
	return nil
}
