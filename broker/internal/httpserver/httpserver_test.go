package httpserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver/httpservertest"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver/openapi"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/api"
	"github.com/efa-broker/efa-broker/contracts/event"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const uuidA = "7b0f2f0e-6f3b-4a6e-9c55-0a1a2b3c4d5e"

// fixture is a server whose operations all answer with what the test says.
type fixture struct {
	handler http.Handler
	audit   *httpservertest.Audit
	log     *lockedBuffer

	mu      sync.Mutex
	reached []string
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// setup mounts respond under every operation of the OpenAPI document.
func setup(t *testing.T, respond http.HandlerFunc, change func(*httpserver.Config)) *fixture {
	t.Helper()
	doc, err := openapi.Load(t.Context(), api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{audit: &httpservertest.Audit{}, log: &lockedBuffer{}}
	mux := http.NewServeMux()
	for _, op := range doc.Operations() {
		mux.HandleFunc(op.Pattern(), func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			f.reached = append(f.reached, op.ID)
			f.mu.Unlock()
			respond(w, r)
		})
	}
	cfg := httpserver.Config{
		API: mux, Audit: f.audit,
		Logger: slog.New(slog.NewJSONHandler(f.log, nil)),
		Authenticator: httpservertest.Tokens{
			"good": {Actor: actor.Actor{ID: "gewerbeamt-muenchen", Role: actor.System, Authority: "gewerbeamt-muenchen"}, Tenant: "muenchen", Operator: "bayern"},
		},
	}
	if change != nil {
		change(&cfg)
	}
	if f.handler, err = httpserver.Handler(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return f
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

type call struct {
	method, target, body string
	header               map[string]string
}

func (f *fixture) do(c call) *httptest.ResponseRecorder {
	r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
	r.Header.Set("Authorization", "Bearer good")
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range c.header {
		if v == "" {
			r.Header.Del(k)
			continue
		}
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func submission(extra string) string {
	return `{"submission_id":"0123456789","service":"99050012104000","region":"091620000000","application":{"CANARY":"CANARY"}` + extra + `}`
}

// Every refusal, as the caller sees it, in one golden file each; nothing reaches a handler, one audit line is written,
// and neither answer, log nor audit repeats what was sent.
func TestEveryRefusalIsAProblemWithOneAuditLine(t *testing.T) {
	t.Parallel()
	post := func(body string) call { return call{method: "POST", target: "/v1/submissions", body: body} }
	with := func(c call, k, v string) call {
		c.header = map[string]string{k: v}
		return c
	}
	big := strings.Repeat("x", 1<<20)
	tests := map[string]struct {
		call
		status    int
		operation string
	}{
		"unknown_path":        {call{method: "GET", target: "/v1/CANARY"}, 404, "none"},
		"path_not_clean":      {call{method: "GET", target: "/v1//cases"}, 404, "none"},
		"wrong_method":        {call{method: "DELETE", target: "/v1/cases"}, 405, "none"},
		"wrong_method_probe":  {call{method: "POST", target: "/livez"}, 405, "none"},
		"no_token":            {with(call{method: "GET", target: "/v1/cases"}, "Authorization", ""), 401, "listCases"},
		"basic_auth":          {with(call{method: "GET", target: "/v1/cases"}, "Authorization", "Basic Q0FOQVJZOkNBTkFSWQ=="), 401, "listCases"},
		"foreign_token":       {with(call{method: "GET", target: "/v1/cases"}, "Authorization", "Bearer CANARY"), 401, "listCases"},
		"token_before_body":   {with(post(`{`), "Authorization", "Bearer CANARY"), 401, "submitApplication"},
		"oversize_json":       {post(submission(`,"x":"` + big + `"`)), 413, "submitApplication"},
		"no_media_type":       {with(post(submission("")), "Content-Type", ""), 415, "submitApplication"},
		"wrong_media_type":    {with(post(submission("")), "Content-Type", "text/xml"), 415, "submitApplication"},
		"wrong_charset":       {with(post(submission("")), "Content-Type", "application/json; charset=iso-8859-1"), 415, "submitApplication"},
		"content_encoding":    {with(post(submission("")), "Content-Encoding", "gzip"), 415, "submitApplication"},
		"empty_body":          {with(post(""), "Content-Type", "application/json"), 400, "submitApplication"},
		"byte_order_mark":     {post("\xef\xbb\xbf" + submission("")), 400, "submitApplication"},
		"invalid_utf8":        {post(submission(",\"x\":\"CANARY\xff\"")), 400, "submitApplication"},
		"duplicate_name":      {post(submission(`,"service":"CANARY"`)), 400, "submitApplication"},
		"duplicate_in_form":   {post(`{"application":{"CANARY":1,"CANARY":2}}`), 400, "submitApplication"},
		"not_a_number":        {post(submission(`,"x":NaN`)), 400, "submitApplication"},
		"trailing_data":       {post(submission("") + "CANARY"), 400, "submitApplication"},
		"too_deep":            {post(submission(`,"x":` + strings.Repeat("[", 70) + strings.Repeat("]", 70))), 400, "submitApplication"},
		"schema":              {post(`{"submission_id":"CANARY","application":[],"CANARY":1}`), 400, "submitApplication"},
		"unexpected_body":     {call{method: "POST", target: "/v1/deliveries/" + uuidA + "/accept", body: `{"CANARY":1}`}, 400, "acceptDelivery"},
		"parameters":          {call{method: "GET", target: "/v1/tasks?state=CANARY&limit=0&CANARY=1"}, 400, "listTasks"},
		"parameters_and_body": {call{method: "POST", target: "/v1/contents/CANARY/fetch", body: `{"fields":[]}`}, 400, "fetchContent"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, noContent, nil)
			f.handler = httpservertest.Check(t, f.handler)
			w := f.do(tt.call)
			if w.Code != tt.status || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("status %d, media type %q", w.Code, w.Header().Get("Content-Type"))
			}
			id := w.Header().Get(httpserver.RequestIDHeader)
			golden(t, name, strings.ReplaceAll(w.Body.String(), id, "<error id>"))
			if len(f.reached) != 0 {
				t.Errorf("reached %v", f.reached)
			}
			lines := f.audit.Lines()
			if len(lines) != 1 || lines[0].Operation != tt.operation || lines[0].ErrorID != id {
				t.Errorf("audit lines %+v, error id %s", lines, id)
			}
			told, err := json.Marshal(lines)
			if err != nil {
				t.Fatal(err)
			}
			if all := w.Body.String() + f.log.String() + string(told); strings.Contains(all, "CANARY") {
				t.Errorf("what was sent is repeated: %s", all)
			}
			if !strings.Contains(f.log.String(), id) {
				t.Errorf("the log does not have the error id: %s", f.log)
			}
		})
	}
	files, err := filepath.Glob("testdata/problems/*.json")
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(tests))
	for i := range files {
		files[i] = strings.TrimSuffix(filepath.Base(files[i]), ".json")
	}
	if diff := cmp.Diff(want, files); diff != "" && !*update {
		t.Errorf("golden files without a case (-cases +files):\n%s", diff)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(got), "", "  "); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "problems", name+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), indented.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestAHandlerSeesViewerPathAndTheBodyThatWasChecked(t *testing.T) {
	t.Parallel()
	var viewer actor.Viewer
	var id, body string
	f := setup(t, func(w http.ResponseWriter, r *http.Request) {
		viewer, id = httpserver.Viewer(r.Context()), r.PathValue("task_id")
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		body = string(raw)
		w.WriteHeader(http.StatusOK)
	}, nil)
	sent := ` {"outcome":"registered"}`
	w := f.do(call{method: "POST", target: "/v1/tasks/c.register.1/outcome", body: sent, header: map[string]string{"Content-Type": `Application/JSON; charset="UTF-8"`}})
	if w.Code != 200 || viewer.ID != "gewerbeamt-muenchen" || viewer.Tenant != "muenchen" || id != "c.register.1" || body != sent {
		t.Errorf("status %d, viewer %+v, id %q, body %q: %s", w.Code, viewer, id, body, w.Body)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if len(f.audit.Lines()) != 0 {
		t.Errorf("audit lines of a success: %v", f.audit.Lines())
	}
	if (httpserver.Viewer(t.Context()) != actor.Viewer{}) {
		t.Error("a context without viewer has one")
	}
}

func TestDocumentsPassUpToTheirOwnLimit(t *testing.T) {
	t.Parallel()
	f := setup(t, noContent, func(c *httpserver.Config) { c.Limits.DocumentBytes = 2 << 20 })
	for size, want := range map[int]int{0: 400, 1: 200, 2 << 20: 200, 2<<20 + 1: 413} {
		w := f.do(call{
			method: "PUT", target: "/v1/contents/" + uuidA + "?kind=certificate&case_id=" + uuidA,
			body: strings.Repeat("%", size), header: map[string]string{"Content-Type": "application/pdf"},
		})
		if w.Code != want {
			t.Errorf("%d bytes: status %d, want %d: %s", size, w.Code, want, w.Body)
		}
	}
}

func TestABodyOfUnknownLengthIsCutAtTheLimit(t *testing.T) {
	t.Parallel()
	f := setup(t, noContent, nil)
	r := httptest.NewRequest(http.MethodPost, "/v1/submissions", io.LimitReader(endless{}, 1<<30))
	r.ContentLength = -1
	r.Header.Set("Authorization", "Bearer good")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", w.Code)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// The table kind → status, as a caller sees it.
func TestEveryKindOfErrorHasItsAnswer(t *testing.T) {
	t.Parallel()
	tests := map[contracts.Kind]int{
		contracts.Internal: 500, contracts.Invalid: 400, contracts.Unauthenticated: 401, contracts.Denied: 403, contracts.NotFound: 404,
		contracts.Conflict: 409, contracts.NotCompetent: 422, contracts.TooLarge: 413, contracts.Unsupported: 415, contracts.Unavailable: 503,
	}
	for kind, status := range tests {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			var log lockedBuffer
			errs := httpserver.Errors{Logger: slog.New(slog.NewJSONHandler(&log, nil))}
			f := setup(t, func(w http.ResponseWriter, r *http.Request) {
				errs.Response(w, r, contracts.Errorf(kind, "do it", "cause %d", 4711))
			}, nil)
			w := f.do(call{method: "GET", target: "/v1/cases"})
			var p struct {
				Type, Title, Hint string
				Status            int
				ErrorID           string `json:"error_id"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			if w.Code != status || p.Status != status || p.Type != "urn:efa:problem:"+kind.String() || p.Title == "" || p.Hint == "" {
				t.Errorf("status %d, problem %+v", w.Code, p)
			}
			if strings.Contains(w.Body.String(), "4711") || !strings.Contains(log.String(), "do it: cause 4711") || !strings.Contains(log.String(), p.ErrorID) {
				t.Errorf("the cause belongs into the log only: %s, log %s", w.Body, log.String())
			}
			refused := status >= 400 && status < 500
			if lines := f.audit.Lines(); (len(lines) == 1) != refused {
				t.Errorf("audit lines %v", lines)
			}
			if got := w.Header().Get("Retry-After") != ""; got != (status == 503) {
				t.Errorf("Retry-After %v", got)
			}
		})
	}
}

func TestErrorsWithoutAKindThatPassAreToldAsPassing(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx  context.Context //nolint:containedctx // a table of contexts
		err  error
		want int
	}{
		"caller gone":          {gone, context.Canceled, 503},
		"cancelled inside":     {t.Context(), context.Canceled, 500},
		"too late":             {t.Context(), context.DeadlineExceeded, 503},
		"limit met by handler": {t.Context(), &http.MaxBytesError{Limit: 1}, 413},
		"anything else":        {t.Context(), errors.New("boom"), 500},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			httpserver.Errors{}.Response(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody).WithContext(tt.ctx), tt.err)
			if w.Code != tt.want {
				t.Errorf("status %d, want %d", w.Code, tt.want)
			}
		})
	}
}

func TestACallerWhoWentAwayIsNoErrorInTheLog(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx  context.Context //nolint:containedctx // a table of contexts
		err  error
		want string
	}{
		"gone":                 {gone, fmt.Errorf("list events: %w", context.Canceled), "INFO"},
		"gone, with kind":      {gone, contracts.Errorf(contracts.Unavailable, "decide access", "no answer within 1s"), "INFO"},
		"gone, another fault":  {gone, errors.New("boom"), "ERROR"},
		"there, with kind":     {t.Context(), contracts.Errorf(contracts.Unavailable, "decide access", "no answer within 1s"), "ERROR"},
		"there, ended by us":   {t.Context(), context.Canceled, "ERROR"},
		"there, a real refuse": {t.Context(), contracts.Errorf(contracts.NotFound, "look up", "none"), "INFO"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log lockedBuffer
			errs := httpserver.Errors{Logger: slog.New(slog.NewJSONHandler(&log, nil))}
			errs.Response(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody).WithContext(tt.ctx), tt.err)
			if !strings.Contains(log.String(), `"level":"`+tt.want+`"`) {
				t.Errorf("want %s: %s", tt.want, log.String())
			}
		})
	}
}

// The trace context of W3C § 3.2: what is valid goes on, whatever else begins anew, and nothing of it is repeated.
func TestATraceGoesOnOrBegins(t *testing.T) {
	t.Parallel()
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	good := "00-" + trace + "-" + parent + "-01"
	tests := map[string]struct{ sent, want string }{
		"valid":            {good, good},
		"later version":    {"cc-" + trace + "-" + parent + "-01-more", good},
		"none":             {"", ""},
		"upper case":       {strings.ToUpper(good), ""},
		"no trace id":      {"00-" + strings.Repeat("0", 32) + "-" + parent + "-01", ""},
		"no parent id":     {"00-" + trace + "-" + strings.Repeat("0", 16) + "-01", ""},
		"version ff":       {"ff-" + trace + "-" + parent + "-01", ""},
		"too long":         {good + "-CANARY", ""},
		"too short":        {good[:len(good)-1], ""},
		"free text":        {"CANARY", ""},
		"text in place":    {"00-" + "CANARY" + trace[6:] + "-" + parent + "-01", ""},
		"dashes elsewhere": {"00-" + trace[:31] + "-" + parent + "a-01", ""},
	}
	wellFormed := regexp.MustCompile(`^00-([0-9a-f]{32})-[0-9a-f]{16}-0[01]$`)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var carried string
			var errs httpserver.Errors
			f := setup(t, func(w http.ResponseWriter, r *http.Request) {
				carried = event.TraceParent(r.Context())
				errs.Response(w, r, contracts.Errorf(contracts.Conflict, "do it", "no"))
			}, func(c *httpserver.Config) { errs.Logger = c.Logger })
			f.do(call{method: "GET", target: "/v1/cases", header: map[string]string{"Traceparent": tt.sent}})
			match := wellFormed.FindStringSubmatch(carried)
			if match == nil || tt.want != "" && carried != tt.want || tt.want == "" && match[1] == trace {
				t.Fatalf("the context carries %q", carried)
			}
			if !strings.Contains(f.log.String(), `"trace_id":"`+match[1]+`"`) || strings.Contains(f.log.String(), "CANARY") {
				t.Errorf("log %s", f.log)
			}
		})
	}
}

// With tracing on, events carry the request's own span: in the caller's trace, also when the caller wants no samples, or in
// a new one that is sampled.
func TestASpanOfTheRequestTakesThePlaceOfTheCallers(t *testing.T) {
	t.Parallel()
	const trace32, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(collector.Close)
	tracer, err := trace.Open(t.Context(), trace.Config{Endpoint: collector.URL, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tracer.Stop(context.Background()) })
	for name, tt := range map[string]struct{ sent, want string }{
		"sampled":     {"00-" + trace32 + "-" + parent + "-01", "^00-(" + trace32 + ")-[0-9a-f]{16}-01$"},
		"not sampled": {"00-" + trace32 + "-" + parent + "-00", "^00-(" + trace32 + ")-[0-9a-f]{16}-00$"},
		"none":        {"", "^00-([0-9a-f]{32})-[0-9a-f]{16}-01$"},
		"free text":   {"CANARY", "^00-([0-9a-f]{32})-[0-9a-f]{16}-01$"},
		"text inside": {"00-CANARY" + trace32[6:] + "-" + parent + "-01", "^00-([0-9a-f]{32})-[0-9a-f]{16}-01$"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var carried string
			var errs httpserver.Errors
			f := setup(t, func(w http.ResponseWriter, r *http.Request) {
				carried = event.TraceParent(r.Context())
				errs.Response(w, r, contracts.Errorf(contracts.Conflict, "do it", "no"))
			}, func(c *httpserver.Config) { c.Tracer, errs.Logger = tracer, c.Logger })
			f.do(call{method: "GET", target: "/v1/cases", header: map[string]string{
				"Traceparent": tt.sent, "Baggage": "name=CANARY", "Tracestate": "name=CANARY",
			}})
			match := regexp.MustCompile(tt.want).FindStringSubmatch(carried)
			if match == nil || strings.Contains(carried, parent) {
				t.Fatalf("the context carries %q", carried)
			}
			if !strings.Contains(f.log.String(), `"trace_id":"`+match[1]+`"`) || strings.Contains(f.log.String(), "CANARY") {
				t.Errorf("log %s", f.log)
			}
		})
	}
}

// The error types of generated code: alike in every generated package.
type generatedParamError struct {
	ParamName string
	Err       error
}

func (e *generatedParamError) Error() string {
	return "Invalid format for parameter CANARY: " + e.Err.Error()
}

func TestTextsOfGeneratedCodeReachNobody(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	errs := httpserver.Errors{Logger: slog.New(slog.NewJSONHandler(&log, nil))}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	errs.Param(w, r, &generatedParamError{ParamName: "case_id", Err: errors.New("CANARY")})
	errs.Request(w, r, errors.New("can't decode JSON body: CANARY"))
	if got := w.Body.String() + log.String(); strings.Contains(got, "CANARY") || !strings.Contains(got, `"pointer":"case_id"`) || w.Code != 400 {
		t.Errorf("status %d: %s", w.Code, got)
	}
}

func TestWhatCannotBeRecordedIsNotEvenRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, noContent, nil)
	f.audit.Fault = contracts.Errorf(contracts.Unavailable, "write audit line", "disk full")
	w := f.do(call{method: "GET", target: "/v1/cases", header: map[string]string{"Authorization": ""}})
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("WWW-Authenticate") != "" || strings.Contains(w.Body.String(), "unauthenticated") {
		t.Errorf("status %d, header %v: %s", w.Code, w.Header(), w.Body)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Errorf("the answer is no single problem: %s", w.Body)
	}
}

func TestAPanicIsAFaultWithoutItsText(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]any{"text": "CANARY", "error": errors.New("CANARY")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, func(http.ResponseWriter, *http.Request) { panic(fault) }, nil)
			w := f.do(call{method: "GET", target: "/v1/cases"})
			if w.Code != 500 || strings.Contains(w.Body.String()+f.log.String(), "CANARY") || !strings.Contains(f.log.String(), "handler panicked") {
				t.Errorf("status %d: %s, log %s", w.Code, w.Body, f.log)
			}
		})
	}
}

func TestAPanicAfterTheAnswerBeganCutsTheConnection(t *testing.T) {
	t.Parallel()
	f := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		panic("late")
	}, nil)
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // the sentinel itself
			t.Errorf("recovered %v", got)
		}
	}()
	f.do(call{method: "GET", target: "/v1/cases"})
}

func TestMetricsHoldNoIDs(t *testing.T) {
	t.Parallel()
	f := setup(t, noContent, func(c *httpserver.Config) {
		c.Open = map[string]http.Handler{"/oidc/": http.NotFoundHandler()}
	})
	f.do(call{method: "GET", target: "/v1/cases/" + uuidA})
	f.do(call{method: "GET", target: "/v1/tasks/CANARY.register.1"})
	f.do(call{method: "GET", target: "/CANARY"})
	f.do(call{method: "CANARY", target: "/v1/cases"})
	f.do(call{method: "GET", target: "/oidc/CANARY"})
	w := f.do(call{method: "GET", target: "/metrics", header: map[string]string{"Authorization": ""}})
	got := w.Body.String()
	for _, want := range []string{
		`efa_http_requests_total{method="GET",route="/v1/cases/{case_id}",status="200"} 1`,
		`efa_http_requests_total{method="GET",route="/v1/tasks/{task_id}",status="200"} 1`,
		`efa_http_requests_total{method="GET",route="none",status="404"} 1`,
		`efa_http_requests_total{method="other",route="none",status="405"} 1`,
		`efa_http_requests_total{method="GET",route="/oidc/",status="404"} 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %s", want)
		}
	}
	if strings.Contains(got, "CANARY") || strings.Contains(got, uuidA) {
		t.Errorf("metrics hold an id:\n%s", got)
	}
}

func TestRefusalsOfOpenRoutesAreAuditedToo(t *testing.T) {
	t.Parallel()
	f := setup(t, noContent, func(c *httpserver.Config) {
		c.Open = map[string]http.Handler{"/oidc/": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
		})}
	})
	w := f.do(call{method: "POST", target: "/oidc/token", header: map[string]string{"Authorization": ""}})
	want := []httpserver.AuditLine{{Operation: "POST /oidc/", Kind: "unauthenticated", ErrorID: w.Header().Get(httpserver.RequestIDHeader)}}
	if diff := cmp.Diff(want, f.audit.Lines()); diff != "" || w.Code != 401 || w.Body.String() != `{"error":"invalid_client"}` {
		t.Errorf("status %d: %s, audit (-want +got):\n%s", w.Code, w.Body, diff)
	}
}

func TestReadinessNamesWhatFails(t *testing.T) {
	t.Parallel()
	var fault, outage error
	f := setup(t, noContent, func(c *httpserver.Config) {
		c.Checks = []httpserver.Check{
			{Name: "ledger", Probe: func(context.Context) error { return fault }},
			{Name: "policy", Probe: func(context.Context) error { return nil }},
			{Name: "event_log", Probe: func(context.Context) error { return outage }, Beside: true},
		}
	})
	anonymous := map[string]string{"Authorization": ""}
	if w := f.do(call{method: "GET", target: "/livez", header: anonymous}); w.Code != 200 || w.Body.String() != "{\"status\":\"live\"}\n" {
		t.Errorf("live: status %d: %s", w.Code, w.Body)
	}
	if w := f.do(call{method: "GET", target: "/readyz", header: anonymous}); w.Code != 200 || w.Body.String() != "{\"status\":\"ready\"}\n" {
		t.Errorf("ready: status %d: %s", w.Code, w.Body)
	}
	outage = errors.New("no connection")
	if w := f.do(call{method: "GET", target: "/readyz", header: anonymous}); w.Code != 200 || w.Body.String() != "{\"status\":\"ready\",\"away\":[\"event_log\"]}\n" {
		t.Errorf("ready without the event log: status %d: %s", w.Code, w.Body)
	}
	fault = errors.New("no disk")
	if w := f.do(call{method: "GET", target: "/readyz", header: anonymous}); w.Code != 503 || w.Body.String() != "{\"status\":\"not_ready\",\"failing\":[\"ledger\"],\"away\":[\"event_log\"]}\n" {
		t.Errorf("not ready: status %d: %s", w.Code, w.Body)
	}
}

func TestAnIncompleteHandlerIsRefusedWithAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := httpserver.Handler(t.Context(), httpserver.Config{})
	for _, want := range []string{"API is required", "authenticator is required", "audit is required"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/authorities", noContent)
	cfg := httpserver.Config{API: mux, Authenticator: httpservertest.Tokens{}, Audit: &httpservertest.Audit{}, Tags: []string{"competence"}}
	_, err = httpserver.Handler(t.Context(), cfg)
	if !errors.Is(err, httpserver.ErrNotMounted) || !strings.Contains(err.Error(), "getAuthority") || !strings.Contains(err.Error(), "findCompetence") || strings.Contains(err.Error(), "listAuthorities") {
		t.Errorf("error %v", err)
	}
}
