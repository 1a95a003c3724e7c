package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/task"
)

var hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"`)

// logIn gets a person's access token as a relying party does: code flow with PKCE through the log-in form.
func (h *house) logIn(id, password string) string {
	h.tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.tb.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	party := oauth2.Config{
		ClientID: caseworkClient, RedirectURL: h.program.api + "/casework/callback", Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{
			AuthURL: h.program.issuer + "/authorize", TokenURL: h.program.issuer + "/token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	verifier := oauth2.GenerateVerifier()
	_, form := h.visit(browser, http.MethodGet, party.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier)), nil)
	fields := url.Values{"person": {id}, "password": {password}}
	for _, m := range hidden.FindAllStringSubmatch(form, -1) {
		fields.Set(m[1], m[2])
	}
	back, said := h.visit(browser, http.MethodPost, h.program.issuer+"/login", fields)
	if back == nil {
		h.tb.Fatalf("the log-in form did not lead back: %s", said)
	}
	token, err := party.Exchange(h.tb.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		h.tb.Fatal(err)
	}
	return token.AccessToken
}

// visit asks for a page; it returns where the answer leads, if anywhere, and what it says.
func (h *house) visit(browser *http.Client, method, address string, fields url.Values) (*url.URL, string) {
	h.tb.Helper()
	req, err := http.NewRequestWithContext(h.tb.Context(), method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		h.tb.Fatal(err)
	}
	if fields != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := browser.Do(req)
	if err != nil {
		h.tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.tb.Fatal(err)
	}
	next, _ := resp.Location() // only a redirect has one
	return next, string(raw)
}

// TestACaseWorkerSeesTheOwnOfficesTasksAndNoMore logs both case workers in and lets München's complete the task.
func TestACaseWorkerSeesTheOwnOfficesTasksAndNoMore(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	pkg := packageOf(t, registration)
	caseID := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	h.awaitTask()
	tokens := map[string]string{}
	for _, p := range h.program.people {
		tokens[p.ID] = h.logIn(p.ID, p.Password)
	}
	for id, want := range map[string]int{"worker-muenchen": 1, "worker-nuernberg": 0} {
		var page struct{ Tasks []task.Task }
		got := h.call(http.MethodGet, "/v1/tasks", tokens[id], "", "")
		if err := json.Unmarshal(got.body, &page); err != nil || got.status != http.StatusOK || len(page.Tasks) != want {
			t.Errorf("%s: %d %s", id, got.status, got.body)
		}
	}
	answer := `{"outcome":"registered"}`
	path := "/v1/tasks/" + caseID + ".register.1/outcome"
	if got := h.call(http.MethodPost, path, tokens["worker-nuernberg"], "application/json", answer); got.status != http.StatusNotFound {
		t.Errorf("the other city's worker: %d %s", got.status, got.body)
	}
	if got := h.call(http.MethodGet, "/v1/inbox", tokens["worker-muenchen"], "", ""); got.status != http.StatusForbidden {
		t.Errorf("a person read a system's inbox: %d %s", got.status, got.body)
	}
	if got := h.call(http.MethodPost, path, tokens["worker-muenchen"], "application/json", answer); got.status != http.StatusOK {
		t.Errorf("the own worker: %d %s", got.status, got.body)
	}
}

// TestDeliveryAnswersSetNoProceduralState accepts one delivery and rejects another: the cases stay what they were
// (DESIGN law 6).
func TestDeliveryAnswersSetNoProceduralState(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	pkg := packageOf(t, registration)
	office := h.as("gewerbeamt-muenchen")
	state := func(caseID string) (procedure.Case, task.Task) {
		c, err := office.GetCaseWithResponse(t.Context(), mustUUID(t, caseID))
		if err != nil {
			t.Fatal(err)
		}
		k, err := office.GetTaskWithResponse(t.Context(), caseID+".register.1")
		if err != nil {
			t.Fatal(err)
		}
		return *c.JSON200, *k.JSON200
	}
	item := func(after string) delivery.Item {
		wait := 20
		page, err := office.ReadInboxWithResponse(t.Context(), &client.ReadInboxParams{After: &after, WaitSeconds: &wait})
		if err != nil {
			t.Fatal(err)
		}
		return page.JSON200.Items[0]
	}
	h.submit(example(t, pkg, exampleNames(pkg)[0]))
	first := item("")
	h.submit(example(t, pkg, exampleNames(pkg)[1]))
	second := item(first.Cursor)
	if _, err := office.FetchContentWithResponse(t.Context(), mustUUID(t, string(first.Contents[0].Content)), client.FetchRequest{
		Fields: []string{"gewa1.1"}, Purpose: first.Purpose, Basis: first.Basis,
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		item   delivery.Item
		answer func() error
	}{
		{first, func() error {
			_, err := office.AcceptDeliveryWithResponse(t.Context(), mustUUID(t, first.ID))
			return err
		}},
		{second, func() error {
			_, err := office.RejectDeliveryWithResponse(t.Context(), mustUUID(t, second.ID), client.RejectDeliveryJSONRequestBody{Reason: "undecodable"})
			return err
		}},
	} {
		caseBefore, taskBefore := state(c.item.Case)
		if err := c.answer(); err != nil {
			t.Fatal(err)
		}
		caseAfter, taskAfter := state(c.item.Case)
		if caseBefore.State != caseAfter.State || caseBefore.Status != caseAfter.Status || taskBefore.State != taskAfter.State || taskAfter.State != task.Assigned {
			t.Errorf("before %+v %+v, after %+v %+v", caseBefore, taskBefore, caseAfter, taskAfter)
		}
	}
}
