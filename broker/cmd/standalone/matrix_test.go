package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver/openapi"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/api"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/contractstest"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const matrixFile = "testdata/tenant_matrix.golden"

// caller is one column of the matrix.
type caller struct {
	name, says, token string
	// stranger has nothing to do with the cases: no answer to it may name one of them.
	stranger bool
	// purpose is what it fetches content for.
	purpose string
}

// callersOf lists the columns, the broker's rows of those that standalone does not have included.
func callersOf(h *house) []caller {
	h.tb.Helper()
	machine := func(id string, role actor.Role) identity.Principal {
		return identity.Principal{ID: id, Kind: identity.Machine, Operator: operator, Role: role}
	}
	hessen := func(p identity.Principal) identity.Principal {
		p.Operator = "hessen"
		return p
	}
	gone := machine("gone-muenchen", actor.System)
	gone.Tenant, gone.Authority = "muenchen", "gewerbeamt-muenchen"
	h.admit(false, machine("portal-other", actor.Portal), hessen(machine("portal-hessen", actor.Portal)),
		hessen(machine("operator-hessen", actor.OperatorAdmin)), machine("engine-like", actor.Engine))
	h.admit(true, gone)
	f := newForger(h)
	own := func(id string) string { return f.token(id, nil) }
	return []caller{
		{"portal", "the portal that filed the cases", own("portal-bayern"), false, "notice.inform"},
		{"lead", "München's trade office, which leads them", own("gewerbeamt-muenchen"), false, "notice.register"},
		{"worker", "a person of the lead", f.token("worker-muenchen", map[string]any{"client_id": caseworkClient, "kind": "person"}), false, "notice.register"},
		{"holder", "Nürnberg's trade office, which holds the task to draw up the deregistration", own("gewerbeamt-nuernberg"), false, "notice.forward"},
		{"recipient", "München's chamber, a statutory recipient", own("ihk-muenchen"), false, "notice.inform"},
		{"neighbour", "another authority of the lead's tenant, without a part", own("bauamt-muenchen"), true, "notice.inform"},
		{"other", "an authority of another tenant, without a part", own("ihk-nuernberg"), true, "notice.inform"},
		{"parent", "an authority of the Land, above both cities, without a part", own("finanzamt-nuernberg"), true, "notice.inform"},
		{"portal2", "another portal of the same operator", own("portal-other"), true, "notice.inform"},
		{"portal3", "a portal of another operator", own("portal-hessen"), true, "notice.inform"},
		{"operator", "the operator that hosts the cases", own("operator-bayern"), false, "notice.inform"},
		{"operator2", "another operator", own("operator-hessen"), true, "notice.inform"},
		{"engine", "somebody with the role of the process engine", own("engine-like"), true, "notice.inform"},
		{"revoked", "a system of the lead that was revoked", own("gone-muenchen"), true, "notice.register"},
		{"forged", "the lead's claims under a foreign key", f.sign(jose.ES256, foreignKey(h.tb), f.claims("gewerbeamt-muenchen", nil)), true, "notice.register"},
		{"nobody", "no token", "", true, "notice.inform"},
	}
}

// row is one line of the matrix: an operation on something that exists.
type row struct {
	operation, what string
	// ids replace the parameters of path and query; absent has for each the id of something that does not exist.
	ids, absent map[string]string
	query, body string
	// counts is the member of the answer whose items are counted.
	counts string
}

// scene is three cases: one that went as far as it goes without Nürnberg, two that wait for their first outcome.
type scene struct {
	cases    [3]string
	inbox    map[string]delivery.Item // of the first case, by authority; "second" is the lead's of the second case
	decision string
	needles  []string
}

func (h *house) stage(t *testing.T) scene {
	t.Helper()
	pkg := packageOf(t, registration)
	app, needles := contractstest.Canary(example(t, pkg, exampleNames(pkg)[0]), pkg.Schema, "MATRIX")
	s := scene{inbox: map[string]delivery.Item{}, needles: needles}
	lead := h.as("gewerbeamt-muenchen")
	s.cases[0] = h.submit(app)
	h.awaitTask()
	s.inbox["lead"] = h.items("gewerbeamt-muenchen", 1)[0]
	if got, err := lead.CompleteTaskWithResponse(t.Context(), s.inbox["lead"].Task, client.Outcome{Outcome: "registered"}); err != nil || got.JSON200 == nil {
		t.Fatalf("complete: %v %s", err, got.Body)
	}
	h.events(s.cases[0], func(events []event.Recorded) bool { return len(courseOf(t, events).announced) == 12 })
	for name, id := range map[string]string{"holder": "gewerbeamt-nuernberg", "recipient": "ihk-muenchen"} {
		h.awaitTask()
		s.inbox[name] = h.items(id, 1)[0]
	}
	fetched, err := h.as("ihk-muenchen").FetchContentWithResponse(t.Context(), mustUUID(t, string(s.inbox["recipient"].Contents[0].Content)), ask("gewa1.1"))
	if err != nil || fetched.JSON200 == nil {
		t.Fatalf("fetch: %v %s", err, fetched.Body)
	}
	s.decision = fetched.JSON200.DecisionId
	s.cases[1], s.cases[2] = h.submit(app), h.submit(app)
	for _, it := range h.items("gewerbeamt-muenchen", 3) {
		if it.Case == s.cases[1] {
			s.inbox["second"] = it
		}
	}
	for _, id := range s.cases {
		s.needles = append(s.needles, id)
	}
	return s
}

// items waits until an inbox holds n items and returns them.
func (h *house) items(id string, n int) []delivery.Item {
	h.tb.Helper()
	var all []delivery.Item
	var after string
	for wait := 20; len(all) < n; {
		got, err := h.as(id).ReadInboxWithResponse(h.tb.Context(), &client.ReadInboxParams{After: &after, WaitSeconds: &wait})
		if err != nil {
			h.tb.Fatal(err)
		}
		if got.JSON200 == nil || len(got.JSON200.Items) == 0 {
			h.tb.Fatalf("only %d of %d items arrived at %s", len(all), n, id)
		}
		all, after = append(all, got.JSON200.Items...), got.JSON200.Next
	}
	return all
}

// rowsOf lists the matrix: what only reads first, what changes something behind it, what moves a case last.
func (s scene) rowsOf(t *testing.T) []row {
	t.Helper()
	one := func(name, id string) map[string]string { return map[string]string{name: id} }
	absent := func(name string) map[string]string { return one(name, uuid.NewString()) }
	firstCase, contentID := s.cases[0], string(s.inbox["lead"].Contents[0].Content)
	task := func(i int, step string) string { return s.cases[i] + "." + step + ".1" }
	inCase := "case_id=" + firstCase
	notice := packageOf(t, deregistration)
	completes := fmt.Sprintf(`{"submission_id":"{fresh}","service":%q,"region":%q,"application":%s,"completes":{"case_id":"{case_id}","task_id":"{task_id}","outcome":"deregistered"}}`,
		deregistration, nuernberg, notice.Examples[exampleNames(notice)[0]])
	application := packageOf(t, registration).Examples["01-einzelkauffrau.json"]
	return []row{
		{operation: "listCases", counts: "cases"},
		{operation: "getCase", ids: one("case_id", firstCase), absent: absent("case_id"), counts: "linked_cases"},
		{operation: "listCaseEvents", ids: one("case_id", firstCase), absent: absent("case_id"), counts: "events"},
		{operation: "listTasks", what: "of the case", query: inCase, counts: "tasks"},
		{operation: "listTasks", what: "all", counts: "tasks"},
		{operation: "getTask", what: "the lead's", ids: one("task_id", task(0, "register")), absent: absent("task_id")},
		{operation: "getTask", what: "the holder's", ids: one("task_id", task(0, "forward")), absent: absent("task_id")},
		{operation: "readInbox", counts: "items"},
		{operation: "listDisclosures", what: "of the case", query: inCase, counts: "disclosures"},
		{operation: "explainDecision", what: "for the recipient", ids: one("decision_id", s.decision), absent: absent("decision_id")},
		{operation: "replayDecision", what: "for the recipient", ids: one("decision_id", s.decision), absent: absent("decision_id")},
		{operation: "listAuthorities", counts: "authorities"},
		{operation: "getAuthority", ids: one("authority_id", "ihk-muenchen"), absent: one("authority_id", "ihk-nirgends")},
		{operation: "findCompetence", query: "service=" + string(registration) + "&region=" + muenchen, counts: "areas"},
		{operation: "verifyLedger"},
		{operation: "listDeadLetters", counts: "letters"},
		{operation: "getDeadLetter", ids: one("letter_id", uuid.NewString()), absent: absent("letter_id")},
		{operation: "resendDeadLetter", ids: one("letter_id", uuid.NewString()), absent: absent("letter_id"), body: `{"reason":"the matrix"}`},
		{operation: "startReconciliation", body: `{}`},
		{operation: "getReconciliation", ids: one("reconciliation_id", uuid.NewString()), absent: absent("reconciliation_id")},
		{
			operation: "fetchContent", what: "the application", ids: one("content_id", contentID), absent: absent("content_id"),
			body: `{"fields":["gewa1.1","gewa1.10","gewa1.15"],"purpose":"{purpose}","basis":"eu-gdpr:A6-1-c"}`, counts: "released",
		},
		{operation: "listDisclosures", what: "after these fetches", query: inCase, counts: "disclosures"},
		{operation: "storeContent", what: "in the case", ids: map[string]string{"content_id": "{fresh}", "case_id": firstCase}, absent: absent("case_id"), query: "kind=certificate&case_id={case_id}", body: `{}`},
		{operation: "storeContent", what: "under a known id", ids: map[string]string{"content_id": contentID, "case_id": firstCase}, absent: absent("case_id"), query: "kind=certificate&case_id={case_id}", body: `{}`},
		{operation: "acceptDelivery", what: "the recipient's", ids: one("delivery_id", s.inbox["recipient"].ID), absent: absent("delivery_id")},
		{operation: "rejectDelivery", what: "the lead's", ids: one("delivery_id", s.inbox["second"].ID), absent: absent("delivery_id"), body: `{"reason":"undecodable"}`},
		{operation: "completeTask", what: "the lead's", ids: one("task_id", task(1, "register")), absent: absent("task_id"), body: `{"outcome":"registered"}`},
		{operation: "returnTask", what: "the lead's", ids: one("task_id", task(2, "register")), absent: absent("task_id")},
		{operation: "submitApplication", what: "a new one", body: fmt.Sprintf(`{"submission_id":"{fresh}","service":%q,"region":%q,"application":%s}`, registration, muenchen, application)},
		{operation: "holdCase", ids: one("case_id", s.cases[2]), absent: absent("case_id"), body: `{"reason":"audit"}`},
		{operation: "eraseCase", what: "that is open", ids: one("case_id", firstCase), absent: absent("case_id"), body: `{"reason":"retention_expired"}`},
		{operation: "liftHold", ids: one("case_id", s.cases[2]), absent: absent("case_id"), query: "reason=hold_ended"},
		{operation: "rewrapKeys", ids: one("tenant", "muenchen"), absent: one("tenant", "atlantis"), body: `{"tenant":"{tenant}","reason":"scheduled"}`},
		{operation: "listPrivilegedActs", what: "of the held case", query: "case_id=" + s.cases[2], counts: "acts"},
		{operation: "replayOutbox", what: "of the case", ids: one("case_id", firstCase), absent: absent("case_id"), body: `{"case_id":"{case_id}","reason":"the matrix"}`},
		{operation: "submitApplication", what: "the holder's task", ids: map[string]string{"case_id": firstCase, "task_id": task(0, "forward")}, absent: map[string]string{"case_id": firstCase, "task_id": task(0, "nowhere")}, body: completes},
	}
}

// request fills the placeholders of a row.
func (r row) request(op *openapi.Operation, c caller, absent bool) hostile {
	ids := maps.Clone(r.ids)
	if absent {
		maps.Copy(ids, r.absent)
	}
	pairs := []string{"{purpose}", c.purpose}
	for name, id := range ids {
		pairs = append(pairs, "{"+name+"}", strings.ReplaceAll(id, "{fresh}", uuid.NewString()))
	}
	fill := strings.NewReplacer(append(pairs, "{fresh}", uuid.NewString())...)
	target := fill.Replace(op.Path)
	if r.query != "" {
		target += "?" + fill.Replace(r.query)
	}
	out := hostile{method: op.Method, target: target, bearer: c.token, body: fill.Replace(r.body)}
	if r.body != "" {
		out.header = asJSON()
	}
	return out
}

// cell is what a caller gets: the status, and how much.
func (r row) cell(t *testing.T, got answer) string {
	t.Helper()
	if got.status >= 300 || r.counts == "" {
		return strconv.Itoa(got.status)
	}
	var members map[string]json.RawMessage
	var items []json.RawMessage
	if err := json.Unmarshal(got.body, &members); err != nil {
		t.Fatalf("%s: %v: %s", r.operation, err, got.body)
	}
	if err := json.Unmarshal(members[r.counts], &items); err != nil {
		t.Fatalf("%s: %v: %s", r.operation, err, got.body)
	}
	return fmt.Sprintf("%d/%d", got.status, len(items))
}

// withoutErrorID is an answer in which the one thing that differs every time is cut out.
func withoutErrorID(t *testing.T, got answer) string {
	t.Helper()
	var p problem
	if err := json.Unmarshal(got.body, &p); err != nil || p.ErrorID == "" {
		t.Fatalf("no problem: %s", got.body)
	}
	return got.contentType + " " + strings.ReplaceAll(string(got.body), p.ErrorID, "")
}

// TestTheTenantMatrix sends every operation of the OpenAPI document as every kind of caller and compares with the
// reviewed table. What is not one's own is answered with the same bytes as what does not exist, and no stranger's answer
// names a case, its content or anything of it.
func TestTheTenantMatrix(t *testing.T) {
	t.Parallel()
	doc, err := openapi.Load(t.Context(), api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, t.TempDir())
	s := h.stage(t)
	callers, rows := callersOf(h), s.rowsOf(t)
	operations := map[string]*openapi.Operation{}
	for _, op := range doc.Operations() {
		operations[op.ID] = op
		if !slices.ContainsFunc(rows, func(r row) bool { return r.operation == op.ID }) {
			t.Errorf("%s has no row: say in rowsOf what each caller may do with it", op.ID)
		}
	}
	table := [][]string{{"operation"}}
	for _, c := range callers {
		table[0] = append(table[0], c.name)
	}
	for _, r := range rows {
		op := operations[r.operation]
		if op == nil {
			t.Fatalf("%s is no operation of the document", r.operation)
		}
		line := []string{strings.TrimSpace(r.operation + " " + r.what)}
		for _, c := range callers {
			line = append(line, h.inMatrix(t, op, r, c, s.needles))
		}
		table = append(table, line)
	}
	goldenMatrix(t, callers, table)
}

// inMatrix asks for what exists and for what does not, and returns the cell.
func (h *house) inMatrix(t *testing.T, op *openapi.Operation, r row, c caller, needles []string) string {
	t.Helper()
	where := c.name + ": " + r.operation + " " + r.what
	var missing answer
	if r.absent != nil {
		missing = h.send(r.request(op, c, true))
		if missing.status < 400 {
			t.Errorf("%s: what does not exist gets %d %s", where, missing.status, missing.body)
		}
	}
	got := h.send(r.request(op, c, false))
	if got.status >= 500 {
		t.Errorf("%s: %d %s", where, got.status, got.body)
	}
	if got.status == http.StatusNotFound && withoutErrorID(t, got) != withoutErrorID(t, missing) {
		t.Errorf("%s: not one's own gets\n%s, what does not exist gets\n%s", where, got.body, missing.body)
	}
	if c.stranger || got.status >= 300 {
		for _, n := range needles {
			if bytes.Contains(got.body, []byte(n)) {
				t.Errorf("%s: the answer holds %s: %s", where, n, got.body)
			}
		}
	}
	return r.cell(t, got)
}

func goldenMatrix(t *testing.T, callers []caller, table [][]string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Every operation of the API as every kind of caller: HTTP status / number of items in the answer.\n")
	b.WriteString("# Where a cell is 404, the answer to an id that does not exist has the same bytes.\n#\n")
	for _, c := range callers {
		fmt.Fprintf(&b, "# %-9s  %s\n", c.name, c.says)
	}
	b.WriteString("\n")
	for _, line := range table {
		cells := []string{fmt.Sprintf("%-36s", line[0])}
		for _, cell := range line[1:] {
			cells = append(cells, fmt.Sprintf("%-9s", cell))
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, " "), " ") + "\n")
	}
	got := b.String()
	if *update {
		if err := os.WriteFile(matrixFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); go test ./broker/cmd/standalone -run TestTheTenantMatrix -update writes it anew, then read the difference:\n%s", matrixFile, diff)
	}
}
