package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// openidLines hands on what the program says, line by line.
type openidLines chan string

func (l openidLines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// startedOpenID runs the command on dir and returns the issuer that it says, and what ends it.
func startedOpenID(t *testing.T, dir string) (issuer string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	said, code := make(openidLines, 16), make(chan int, 1)
	var stderr lockedBuffer
	go func() {
		code <- Main{
			Args: []string{"openid", "--data", dir, "--listen", "127.0.0.1:0", "--callbacks", "http://127.0.0.1:1, http://127.0.0.1:2"}, Stdout: said, Stderr: &stderr,
		}.Run(ctx)
	}()
	for {
		select {
		case line := <-said:
			if _, rest, ready := strings.Cut(line, "OpenID http"); ready {
				address, _, _ := strings.Cut(rest, " ")
				return "http" + address, func() int { cancel(); return <-code }
			}
		case c := <-code:
			t.Fatalf("ended with status %d: %s", c, stderr.Bytes())
		}
	}
}

// fetchToken gets a token with the key of a client in dir.
func fetchToken(t *testing.T, dir, issuer, id string) error {
	t.Helper()
	credentials, err := client.ReadCredentials(filepath.Join(dir, "clients", id+".json"))
	if err != nil {
		return err
	}
	tokens, err := client.NewTokenSource(client.TokenConfig{Issuer: issuer, Credentials: credentials})
	if err != nil {
		return err
	}
	_, err = tokens.Token(t.Context())
	return err
}

func TestTheProviderRunsAloneAndKnowsEveryClient(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	issuer, stop := startedOpenID(t, dir)
	for _, id := range []string{"operator-bayern", "portal-bayern", "gewerbeamt-muenchen", "ihk-nuernberg", "zoll"} {
		if err := fetchToken(t, dir, issuer, id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for callback, want := range map[string]int{
		"http://127.0.0.1:1/casework/callback": http.StatusOK,
		"http://127.0.0.1:2/casework/callback": http.StatusOK,
		"http://127.0.0.1:3/casework/callback": http.StatusBadRequest,
	} {
		q := url.Values{
			"client_id": {caseworkClient}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "state": {"1"},
			"code_challenge": {strings.Repeat("A", 43)}, "code_challenge_method": {"S256"},
		}
		if got := statusOf(t, issuer+"/authorize?"+q.Encode()); got != want {
			t.Errorf("log-in that leads to %s: status %d, want %d", callback, got, want)
		}
	}
	if code := stop(); code != exitOK {
		t.Errorf("status %d", code)
	}
	again, stop := startedOpenID(t, dir) // over the same files, on another port
	if err := fetchToken(t, dir, again, "gewerbeamt-muenchen"); err != nil {
		t.Error(err)
	}
	if code := stop(); code != exitOK {
		t.Errorf("status %d", code)
	}
}

func statusOf(t *testing.T, address string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// TestTheLoneProviderAndTheStandaloneBrokerShareTheirFiles opens a broker over what the lone provider left: keys of
// clients and case workers are the same, and both never run at once.
func TestTheLoneProviderAndTheStandaloneBrokerShareTheirFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	_, stop := startedOpenID(t, dir)
	before := filesBelow(t, dir)
	_, _, _, err := startOpenID(t.Context(), config.Provider{ //nolint:dogsled // refused, so there is nothing but the error
		Operator: operator, Data: dir, Listen: "127.0.0.1:0", Callbacks: "http://127.0.0.1:1", ShutdownTimeout: time.Second,
	}, slog.New(slog.DiscardHandler))
	if err == nil || contracts.KindOf(err) != contracts.Conflict || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second provider over the directory: %v", err)
	}
	if code := stop(); code != exitOK {
		t.Errorf("status %d", code)
	}
	h := open(t, dir)
	if after := filesBelow(t, dir); before["people.json"] != after["people.json"] || before["openid/signing.json"] != after["openid/signing.json"] ||
		before["clients/gewerbeamt-muenchen.json"] != after["clients/gewerbeamt-muenchen.json"] {
		t.Error("the broker made keys or people anew")
	}
	clients, err := os.ReadDir(filepath.Join(dir, "clients"))
	if err != nil {
		t.Fatal(err)
	}
	authorities, err := h.program.broker.Authorities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(clients) != len(authorities)+2 || before["openid/signing.json"] == "" {
		t.Errorf("%d clients for %d authorities, the operator and the portal", len(clients), len(authorities))
	}
	var people []person
	if err := json.Unmarshal([]byte(before["people.json"]), &people); err != nil || len(people) != len(h.program.people) || len(people) == 0 {
		t.Errorf("people %v, error %v", people, err)
	}
	var listed []identity.Principal
	if err := json.Unmarshal([]byte(before["principals.json"]), &listed); err != nil || len(listed) != len(people) {
		t.Fatalf("principals %v, error %v", listed, err)
	}
	if p := listed[0]; p.ID != people[0].ID || p.Kind != identity.Person || p.Role != actor.CaseWorker || p.Tenant != "muenchen" || p.Authority != "gewerbeamt-muenchen" {
		t.Errorf("the first principal is %+v", p)
	}
	if strings.Contains(before["principals.json"], "password") {
		t.Error("the list of principals holds passwords")
	}
}

func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for path, raw := range files(t, dir) {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.ToSlash(name)] = string(raw)
	}
	return out
}

func TestTheLoneProviderRefusesOtherMachinesAndCallbacksThatAreNone(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	code := Main{
		Args:   []string{"openid", "--listen", "0.0.0.0:0", "--callbacks", "http://127.0.0.1:1/path", "--data", t.TempDir()},
		Stdout: io.Discard, Stderr: &stderr,
	}.Run(t.Context())
	if said := stderr.String(); code != exitUsage || !strings.Contains(said, "listen: ") || !strings.Contains(said, "callbacks: ") {
		t.Errorf("status %d: %s", code, said)
	}
}
