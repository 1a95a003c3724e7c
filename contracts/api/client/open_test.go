package client_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/api/client/clienttest"
)

func TestProblemBecomesAnErrorOfItsKind(t *testing.T) {
	t.Parallel()
	c := open(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"type":"urn:efa:problem:not_competent","title":"no route","status":422,"error_id":"e-1",
			"hint":"ask for another region","problems":[{"pointer":"/region","detail":"is not served"}]}`))
	})
	_, err := c.SubmitApplicationWithResponse(t.Context(), client.Submission{SubmissionId: "12345678"})
	if contracts.KindOf(err) != contracts.NotCompetent {
		t.Fatalf("got %v (%s), want not_competent", err, contracts.KindOf(err))
	}
	if got := client.HintOf(err); got != "ask for another region" {
		t.Errorf("hint is %q", got)
	}
	if got := client.ErrorIDOf(err); got != "e-1" {
		t.Errorf("error id is %q", got)
	}
	want := []contracts.Problem{{Pointer: "/region", Detail: "is not served"}}
	if diff := cmp.Diff(want, contracts.ProblemsOf(err)); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(err.Error(), "POST /v1/submissions: no route") {
		t.Errorf("text is %q", err)
	}
}

func TestAnswersWithoutAProblemDocumentKeepTheKindOfTheirStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]contracts.Kind{
		400: contracts.Invalid, 403: contracts.Denied, 404: contracts.NotFound, 409: contracts.Conflict,
		413: contracts.TooLarge, 415: contracts.Unsupported, 429: contracts.Unavailable, 500: contracts.Internal,
		502: contracts.Unavailable, 503: contracts.Unavailable, 504: contracts.Unavailable,
	} {
		c := open(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		id := uuid.New()
		_, err := c.GetCaseWithResponse(t.Context(), id)
		if contracts.KindOf(err) != want {
			t.Errorf("status %d is %s, want %s", status, contracts.KindOf(err), want)
		}
		if strings.Contains(err.Error(), id.String()) {
			t.Errorf("status %d: the text names an id: %v", status, err)
		}
	}
}

func TestATokenThatTheBrokerRefusesIsReplacedOnce(t *testing.T) {
	t.Parallel()
	issuer := clienttest.NewIssuer(t)
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if issuer.Who(r) != "portal" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"case_id": "c", "submission_id": "12345678"})
	}))
	t.Cleanup(server.Close)
	c, err := client.Open(client.Config{API: server.URL, Issuer: issuer.URL, Credentials: issuer.Client(t, "portal")})
	if err != nil {
		t.Fatal(err)
	}
	submit := func() error {
		_, err := c.SubmitApplicationWithResponse(t.Context(), client.Submission{SubmissionId: "12345678"})
		return err
	}
	if err := submit(); err != nil {
		t.Fatal(err)
	}
	issuer.Revoke()
	if err := submit(); err != nil {
		t.Fatalf("after the provider's restart: %v", err)
	}
	if issuer.Issued() != 2 || requests.Load() != 3 {
		t.Errorf("%d tokens, %d requests; want 2 and 3", issuer.Issued(), requests.Load())
	}
}

func TestOpenRefusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "127.0.0.1:8080", "ftp://host", "http://"} {
		_, err := client.Open(client.Config{API: address, Tokens: client.StaticToken("x")})
		if contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("address %q: got %v, want invalid", address, err)
		}
	}
}

func TestValueRefusesASuccessThatTheContractDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := open(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	got, err := c.GetCaseWithResponse(t.Context(), uuid.New())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Value(got, got.JSON200); contracts.KindOf(err) != contracts.Internal {
		t.Errorf("got %v, want internal", err)
	}
}

func TestEveryOperationOfTheContractHasAMethod(t *testing.T) {
	t.Parallel()
	generated, err := os.ReadFile("client.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(api.OpenAPI)) {
		id, ok := strings.CutPrefix(strings.TrimSpace(line), "operationId: ")
		if !ok {
			continue
		}
		found++
		method := "func (c *ClientWithResponses) " + strings.ToUpper(id[:1]) + id[1:] + "WithResponse("
		if !strings.Contains(string(generated), method) {
			t.Errorf("operation %s has no method: run make generate", id)
		}
	}
	if found == 0 {
		t.Error("no operation found in the contract")
	}
}

func open(t *testing.T, h http.HandlerFunc) *client.ClientWithResponses {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c, err := client.Open(client.Config{API: server.URL, Tokens: client.StaticToken("token")})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
