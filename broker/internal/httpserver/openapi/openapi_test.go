package openapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver/openapi"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api"
)

func load(tb testing.TB) *openapi.Document {
	tb.Helper()
	doc, err := openapi.Load(tb.Context(), api.OpenAPI)
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

func decode(tb testing.TB, body string) any {
	tb.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestEveryFaultOfABodyIsToldAtOnceAndNoValue(t *testing.T) {
	t.Parallel()
	doc := load(t)
	tests := map[string]struct {
		pattern, body string
		want          []contracts.Problem
	}{
		"submission": {
			"POST /v1/submissions",
			`{"submission_id":"CANARY ","service":1,"application":[],"CANARY":1,"completes":{"case_id":"CANARY","outcome":"CANARY"}}`,
			[]contracts.Problem{
				{Pointer: "", Detail: "1 unknown name(s); known are: application, completes, region, service, submission_id"},
				{Pointer: "/application", Detail: "must be object"},
				{Pointer: "/completes/case_id", Detail: "must have the format uuid"},
				{Pointer: "/completes/task_id", Detail: "is required"},
				{Pointer: "/region", Detail: "is required"},
				{Pointer: "/service", Detail: "must be string"},
				{Pointer: "/submission_id", Detail: "must have at least 8 characters"},
				{Pointer: "/submission_id", Detail: "must match the pattern ^[A-Za-z0-9._:/-]+$"},
			},
		},
		"fetch": {
			"POST /v1/contents/{content_id}/fetch",
			`{"fields":["CANARY","CANARY",1,"` + strings.Repeat("CANARY", 10) + `"],"purpose":1,"CANARY":2}`,
			[]contracts.Problem{
				{Pointer: "", Detail: "1 unknown name(s); known are: basis, fields, purpose"},
				{Pointer: "/basis", Detail: "is required"},
				{Pointer: "/fields", Detail: "items 0 and 1 are equal; each may stand once"},
				{Pointer: "/fields/2", Detail: "must be string"},
				{Pointer: "/fields/3", Detail: "must have at most 40 characters"},
				{Pointer: "/purpose", Detail: "must be string"},
			},
		},
		"reject": {
			"POST /v1/deliveries/{delivery_id}/reject",
			`{"reason":"CANARY"}`,
			[]contracts.Problem{{Pointer: "/reason", Detail: "must be one of: undecodable, schema_violation, wrong_recipient, missing_content"}},
		},
		"outcome in order": {"POST /v1/tasks/{task_id}/outcome", `{"outcome":"registered","facts":{"indications_of_violation":false}}`, nil},
		"not an object":    {"POST /v1/tasks/{task_id}/outcome", `null`, []contracts.Problem{{Pointer: "", Detail: "must be object"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := doc.Operation(tt.pattern).CheckBody("application/json", decode(t, tt.body))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryFaultOfTheParametersIsToldAtOnceAndNoValue(t *testing.T) {
	t.Parallel()
	doc := load(t)
	tests := map[string]struct {
		pattern, target string
		want            []contracts.Problem
	}{
		"in order":        {"GET /v1/tasks", "/v1/tasks?state=assigned&case_id=7b0f2f0e-6f3b-4a6e-9c55-0a1a2b3c4d5e&limit=500&after=", nil},
		"empty is absent": {"GET /v1/inbox", "/v1/inbox?", nil},
		"all wrong": {"GET /v1/tasks", "/v1/tasks?state=CANARY&case_id=CANARY&limit=CANARY&CANARY=1", []contracts.Problem{
			{Pointer: "state", Detail: "must be one of: assigned, completed, not_competent, expired, cancelled"},
			{Pointer: "case_id", Detail: "must have the format uuid"},
			{Pointer: "limit", Detail: "must be an integer"},
			{Pointer: "query", Detail: "1 unknown parameter(s); known are: state, case_id, after, limit"},
		}},
		"limits":       {"GET /v1/inbox", "/v1/inbox?limit=501&wait_seconds=-1", []contracts.Problem{{Pointer: "limit", Detail: "must be at most 500"}, {Pointer: "wait_seconds", Detail: "must be at least 0"}}},
		"twice":        {"GET /v1/inbox", "/v1/inbox?limit=1&limit=2", []contracts.Problem{{Pointer: "limit", Detail: "the parameter stands more than once"}}},
		"required":     {"PUT /v1/contents/{content_id}", "/v1/contents/7b0f2f0e-6f3b-4a6e-9c55-0a1a2b3c4d5e?kind=certificate", []contracts.Problem{{Pointer: "case_id", Detail: "the parameter is required"}}},
		"bad encoding": {"GET /v1/inbox", "/v1/inbox?limit=%zz", []contracts.Problem{{Pointer: "query", Detail: "the query is not properly encoded"}}},
		"path":         {"GET /v1/cases/{case_id}", "/v1/cases/CANARY", []contracts.Problem{{Pointer: "case_id", Detail: "must have the format uuid"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []contracts.Problem
			mux := http.NewServeMux()
			mux.HandleFunc(tt.pattern, func(_ http.ResponseWriter, r *http.Request) { got = doc.Operation(tt.pattern).CheckParameters(r) })
			method, _, _ := strings.Cut(tt.pattern, " ")
			mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, tt.target, http.NoBody))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnAnswerOutsideTheDocumentIsFound(t *testing.T) {
	t.Parallel()
	op := load(t).Operation("GET /v1/authorities")
	problem := `{"type":"urn:efa:problem:denied","title":"t","status":403,"error_id":"e"}`
	tests := map[string]struct {
		status          int
		mediaType, body string
		ok              bool
	}{
		"in order":           {200, "application/json", `{"authorities":[]}`, true},
		"a problem":          {403, "application/problem+json", problem, true},
		"undocumented":       {204, "", ``, false},
		"missing property":   {200, "application/json", `{}`, false},
		"wrong media type":   {200, "text/plain", `{"authorities":[]}`, false},
		"problem as JSON":    {403, "application/json", problem, false},
		"problem without id": {403, "application/problem+json", `{"type":"x","title":"t","status":403}`, false},
		"cut off":            {200, "application/json", `{"authorities":[`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := op.CheckResponse(tt.status, tt.mediaType, []byte(tt.body)); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatCannotBeCheckedIsRefusedAtLoad(t *testing.T) {
	t.Parallel()
	head := "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /x:\n    get:\n      operationId: x\n"
	tests := map[string]string{
		"no YAML":              "\t",
		"array parameter":      head + "      parameters: [{name: a, in: query, schema: {type: array, items: {type: string}}}]\n      responses: {'200': {description: d}}\n",
		"header parameter":     head + "      parameters: [{name: a, in: header, schema: {type: string}}]\n      responses: {'200': {description: d}}\n",
		"media without schema": head + "      responses: {'200': {description: d, content: {application/json: {}}}}\n",
		"schema of nothing":    head + "      responses: {'200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/None'}}}}}\n",
	}
	for name, raw := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := openapi.Load(t.Context(), []byte(raw)); err == nil {
				t.Error("want an error")
			}
		})
	}
}

func BenchmarkCheckSubmission(b *testing.B) {
	op := load(b).Operation("POST /v1/submissions")
	body := decode(b, `{"submission_id":"0123456789","service":"99050012104000","region":"091620000000","application":{}}`)
	b.ReportAllocs()
	for b.Loop() {
		if problems := op.CheckBody("application/json", body); problems != nil {
			b.Fatal(problems)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		load(b)
	}
}
