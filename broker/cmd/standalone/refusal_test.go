package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// token is an access token of a machine client.
func (h *house) token(id string) string {
	h.tb.Helper()
	credentials, err := h.program.credentials(id)
	if err != nil {
		h.tb.Fatal(err)
	}
	source, err := client.NewTokenSource(client.TokenConfig{Issuer: h.program.issuer, Credentials: credentials})
	if err != nil {
		h.tb.Fatal(err)
	}
	token, err := source.Token(h.tb.Context())
	if err != nil {
		h.tb.Fatal(err)
	}
	return token
}

// answer is what the API said.
type answer struct {
	status      int
	contentType string
	body        []byte
}

// problem is problem+json as a caller reads it.
type problem struct {
	Type     string
	Status   int
	ErrorID  string `json:"error_id"`
	Problems []struct{ Pointer, Detail string }
}

func (h *house) call(method, path, bearer, contentType, body string) answer {
	h.tb.Helper()
	req, err := http.NewRequestWithContext(h.tb.Context(), method, h.program.api+path, strings.NewReader(body))
	if err != nil {
		h.tb.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.tb.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), raw}
}

// rows counts the rows of every table of the ledger.
func (h *house) rows() map[string]int {
	h.tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.program.cfg.Data, "ledger.db")+"?mode=ro")
	if err != nil {
		h.tb.Fatal(err)
	}
	defer db.Close()
	out := map[string]int{}
	for _, table := range []string{
		"cases", "events", "receipts", "outbox", "tasks", "submissions", "contents", "subjects", "case_subjects", "case_links",
		"case_participation", "deliveries", "decisions", "disclosures", "step_results", "audit_lines",
	} {
		var n int
		if err := db.QueryRowContext(h.tb.Context(), "select count(*) from "+table).Scan(&n); err != nil {
			h.tb.Fatal(err)
		}
		out[table] = n
	}
	return out
}

// TestClearRefusals sends what must be refused. Each answer is problem+json that repeats nothing of what was sent, and
// nothing is stored but one audit line.
func TestClearRefusals(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	pkg := packageOf(t, registration)
	app := string(pkg.Examples[exampleNames(pkg)[0]])
	submission := func(id, service, region, application string) string {
		return fmt.Sprintf(`{"submission_id":%q,"service":%q,"region":%q,"application":%s}`, id, service, region, application)
	}
	good := submission("submission-0001", string(registration), muenchen, app)
	portal, office := h.token("portal-bayern"), h.token("ihk-muenchen")
	first := h.call(http.MethodPost, "/v1/submissions", portal, "application/json", good)
	if first.status != http.StatusCreated {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if again := h.call(http.MethodPost, "/v1/submissions", portal, "application/json", good); again.status != http.StatusOK || !bytes.Equal(again.body, first.body) {
		t.Errorf("a repeat got %d %s", again.status, again.body)
	}
	h.awaitTask() // the process has assigned its first task; from here on nothing moves by itself
	const secret = "Geheimniskrämer"
	broken := strings.NewReplacer(`"birth_date": "1979-03-14"`, `"birth_date": "`+secret+`"`, `"sex": "female"`, `"sex": "`+secret+`"`).Replace(app)
	for name, c := range map[string]struct {
		method, path, bearer, contentType, body string
		status                                  int
		kind                                    string
		pointers                                []string
	}{
		"no service key":     {"POST", "/v1/submissions", portal, "application/json", submission("submission-0002", "0815", muenchen, app), 400, "invalid", []string{"/service"}},
		"unknown service":    {"POST", "/v1/submissions", portal, "application/json", submission("submission-0002", "99999999999999", muenchen, app), 400, "invalid", []string{"/service"}},
		"unknown region":     {"POST", "/v1/submissions", portal, "application/json", submission("submission-0002", string(registration), "099990000000", app), 400, "invalid", []string{"/region"}},
		"an AGS as region":   {"POST", "/v1/submissions", portal, "application/json", submission("submission-0002", string(registration), "09162000", app), 400, "invalid", []string{"/region"}},
		"no route":           {"POST", "/v1/submissions", portal, "application/json", submission("submission-0002", string(registration), "096630000000", strings.ReplaceAll(app, muenchen, "096630000000")), 422, "not_competent", nil},
		"another place":      {"POST", "/v1/submissions", portal, "application/json", submission("submission-0002", string(registration), "096630000000", app), 400, "invalid", []string{"/application/place_of_business/region_key"}},
		"schema violations":  {"POST", "/v1/submissions", portal, "application/json", submission("submission-0002", string(registration), muenchen, broken), 400, "invalid", []string{"/application/person/birth_date", "/application/person/sex"}},
		"key and schema":     {"POST", "/v1/submissions", portal, "application/json", submission("submission-0002", string(registration), "1", broken), 400, "invalid", []string{"/application/person/birth_date", "/application/person/sex", "/region"}},
		"duplicate member":   {"POST", "/v1/submissions", portal, "application/json", strings.Replace(good, `"region"`, `"service":"x","region"`, 1), 400, "invalid", nil},
		"wrong media type":   {"POST", "/v1/submissions", portal, "application/xml", "<a/>", 415, "unsupported", nil},
		"oversize":           {"POST", "/v1/submissions", portal, "application/json", submission("submission-0002", string(registration), muenchen, `{"a":"`+strings.Repeat("x", 2<<20)+`"}`), 413, "too_large", nil},
		"same id, other one": {"POST", "/v1/submissions", portal, "application/json", strings.Replace(good, "Hollweck", "Anders", 1), 409, "conflict", []string{"/submission_id"}},
		"no token":           {"POST", "/v1/submissions", "", "application/json", good, 401, "unauthenticated", nil},
		"rubbish token":      {"POST", "/v1/submissions", "rubbish", "application/json", good, 401, "unauthenticated", nil},
		"an office's token":  {"POST", "/v1/submissions", office, "application/json", submission("submission-0002", string(registration), muenchen, app), 403, "denied", nil},
		"a portal's inbox":   {"GET", "/v1/inbox", portal, "", "", 403, "denied", nil},
		"a foreign case":     {"GET", "/v1/cases/" + caseOf(t, first.body), office, "", "", 404, "not_found", nil},
		"a case that is not": {"GET", "/v1/cases/5f0c9a1e-6c1f-4f43-9a53-1d1cf33dcb6e", office, "", "", 404, "not_found", nil},
		"notice to be drawn": {"POST", "/v1/submissions", portal, "application/json", submission("submission-0002", string(deregistration), nuernberg, example3(t)), 400, "invalid", []string{"/completes"}},
	} {
		before := h.rows()
		got := h.call(c.method, c.path, c.bearer, c.contentType, c.body)
		var p problem
		if err := json.Unmarshal(got.body, &p); err != nil || got.contentType != "application/problem+json" {
			t.Errorf("%s: %d %s %s", name, got.status, got.contentType, got.body)
			continue
		}
		var pointers []string
		for _, x := range p.Problems {
			pointers = append(pointers, x.Pointer)
		}
		slices.Sort(pointers)
		if got.status != c.status || p.Type != "urn:efa:problem:"+c.kind || p.ErrorID == "" || c.pointers != nil && !slices.Equal(pointers, c.pointers) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if bytes.Contains(got.body, []byte(secret)) || bytes.Contains(h.log.Bytes(), []byte(secret)) {
			t.Errorf("%s: the answer or the log repeats what was sent", name)
		}
		after := h.rows()
		before["audit_lines"]++
		if !maps.Equal(before, after) {
			t.Errorf("%s: rows before %v, after %v", name, before, after)
		}
	}
}

func caseOf(t *testing.T, body []byte) string {
	t.Helper()
	var r struct {
		Case string `json:"case_id"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	return r.Case
}

func example3(t *testing.T) string {
	t.Helper()
	pkg := packageOf(t, deregistration)
	return string(pkg.Examples[exampleNames(pkg)[0]])
}
