package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/service"
)

const (
	registration   key.ServiceKey = "99050012104000"
	deregistration key.ServiceKey = "99050012070000"
	muenchen                      = "091620000000"
	nuernberg                     = "095640000000"
)

// house is a standalone broker that runs in the test's process, and the users around it.
type house struct {
	tb      testing.TB
	program *program
	log     *lockedBuffer
}

// options are settings for a data directory with free ports.
func options(dir string) config.Standalone {
	return config.Standalone{
		Data: dir, Listen: "127.0.0.1:0", KafkaListen: "127.0.0.1:0", TemporalListen: "127.0.0.1:0", Offices: "none",
		ShutdownTimeout: 30 * time.Second, Log: config.Log{Level: "debug", Format: "json"},
	}
}

// open starts a broker on dir and stops it with the test.
func open(tb testing.TB, dir string) *house {
	tb.Helper()
	log := &lockedBuffer{}
	p, err := start(tb.Context(), options(dir), slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		tb.Fatal(err)
	}
	h := &house{tb: tb, program: p, log: log}
	tb.Cleanup(h.stop)
	return h
}

func (h *house) stop() {
	if err := h.program.stop(context.Background()); err != nil {
		h.tb.Error(err)
	}
}

// lockedBuffer collects the log of many goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}

// play starts the back offices of every authority; what they obtain is filed under the returned directory.
func (h *house) play(cfg offices.Config) string {
	h.tb.Helper()
	authorities, err := h.program.broker.Authorities(h.tb.Context())
	if err != nil {
		h.tb.Fatal(err)
	}
	cfg.API, cfg.Issuer, cfg.Authorities = h.program.api, h.program.issuer, authorities
	cfg.State, cfg.Dir, cfg.Log = h.tb.TempDir(), h.tb.TempDir(), h.program.log
	cfg.Credentials = func(id authority.ID) (client.Credentials, error) { return h.program.credentials(string(id)) }
	played, err := offices.New(cfg)
	if err != nil {
		h.tb.Fatal(err)
	}
	if err := played.Start(context.WithoutCancel(h.tb.Context())); err != nil {
		h.tb.Fatal(err)
	}
	h.tb.Cleanup(func() {
		if err := played.Stop(context.Background()); err != nil {
			h.tb.Error(err)
		}
	})
	return cfg.Dir
}

// as is a client of the API with the key of id.
func (h *house) as(id string) *client.ClientWithResponses {
	h.tb.Helper()
	credentials, err := h.program.credentials(id)
	if err != nil {
		h.tb.Fatal(err)
	}
	c, err := client.Open(client.Config{API: h.program.api, Issuer: h.program.issuer, Credentials: credentials})
	if err != nil {
		h.tb.Fatal(err)
	}
	return c
}

// packageOf is the service package of k.
func packageOf(tb testing.TB, k key.ServiceKey) service.Package {
	tb.Helper()
	packages, err := service.Load()
	if err != nil {
		tb.Fatal(err)
	}
	i := slices.IndexFunc(packages, func(p service.Package) bool { return p.Service == k })
	return packages[i]
}

// exampleNames lists the example applications of a package.
func exampleNames(p service.Package) []string { return slices.Sorted(maps.Keys(p.Examples)) }

func example(tb testing.TB, p service.Package, name string) map[string]any {
	tb.Helper()
	var app map[string]any
	if err := json.Unmarshal(p.Examples[name], &app); err != nil {
		tb.Fatal(err)
	}
	return app
}

// submit files an application of the registration in München and returns the case.
func (h *house) submit(app map[string]any) string {
	h.tb.Helper()
	return h.submitAs(uuid.NewString(), app)
}

// submitAs is submit under a submission id that the portal chose.
func (h *house) submitAs(id string, app map[string]any) string {
	h.tb.Helper()
	answer, err := h.as("portal-bayern").SubmitApplicationWithResponse(h.tb.Context(), client.Submission{
		SubmissionId: id, Service: string(registration), Region: muenchen, Application: app,
	})
	if err != nil {
		h.tb.Fatal(err)
	}
	receipt, err := client.Value(answer, answer.JSON201)
	if err != nil {
		h.tb.Fatal(err)
	}
	return receipt.CaseId
}

// events reads the events of a case, waiting until enough says that nothing more is needed.
func (h *house) events(caseID string, enough func([]event.Recorded) bool) []event.Recorded {
	h.tb.Helper()
	operator := h.as("operator-bayern")
	var all []event.Recorded
	var after int64
	wait, repeats, empty := 20, 0, 0
	for !enough(all) {
		answer, err := operator.ListCaseEventsWithResponse(h.tb.Context(), uuid.MustParse(caseID), &client.ListCaseEventsParams{AfterSeq: &after, WaitSeconds: &wait})
		if busy := err != nil && contracts.KindOf(err) == contracts.Unavailable; busy && repeats < 20 {
			repeats++
			continue // as the API says: a decision has 50 ms, which a loaded machine may not have
		}
		if err != nil {
			h.tb.Fatal(err)
		}
		page, err := client.Value(answer, answer.JSON200)
		if err != nil {
			h.tb.Fatal(err)
		}
		if len(page.Events) > 0 {
			empty = 0
		} else if empty++; empty == 3 { // a process asks again after up to a minute
			h.tb.Fatalf("nothing new in case %s for %d s after %d events", caseID, empty*wait, len(all))
		}
		for _, e := range page.Events {
			after = e.CaseSeq
		}
		all = append(all, page.Events...)
	}
	return all
}

// course is what the events of a case say.
type course struct {
	events    []event.Recorded
	second    string
	announced []authority.ID
	fetched   map[authority.ID]int
	accepted  map[authority.ID]bool
	closed    bool
}

func courseOf(tb testing.TB, events []event.Recorded) course {
	tb.Helper()
	c := course{events: events, fetched: map[authority.ID]int{}, accepted: map[authority.ID]bool{}}
	for _, e := range events {
		switch e.Type {
		case event.TypeTaskCompleted:
			if d := decode[event.TaskCompleted](tb, e); d.Opened != "" {
				c.second = d.Opened
			}
		case event.TypeContentAnnounced:
			c.announced = append(c.announced, decode[event.ContentAnnounced](tb, e).Authority)
		case event.TypeDisclosureRecorded:
			c.fetched[decode[event.DisclosureRecorded](tb, e).Authority]++
		case event.TypeDeliveryAccepted:
			c.accepted[decode[event.DeliveryAnswered](tb, e).Authority] = true
		case event.TypeCaseClosed:
			c.closed = true
		}
	}
	return c
}

func decode[T any](tb testing.TB, e event.Recorded) T {
	tb.Helper()
	d, err := event.Decode[T](e)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// whole waits until a case is closed and everybody who was told has fetched, filed and accepted.
func (h *house) whole(caseID string) course {
	h.tb.Helper()
	return courseOf(h.tb, h.events(caseID, func(events []event.Recorded) bool {
		c := courseOf(h.tb, events)
		return c.closed && !slices.ContainsFunc(c.announced, func(a authority.ID) bool { return !c.accepted[a] })
	}))
}

// awaitTask waits until München's trade office has its task.
func (h *house) awaitTask() {
	h.tb.Helper()
	wait := 20
	answer, err := h.as("gewerbeamt-muenchen").ReadInboxWithResponse(h.tb.Context(), &client.ReadInboxParams{WaitSeconds: &wait})
	if err != nil {
		h.tb.Fatal(err)
	}
	if answer.JSON200 == nil || len(answer.JSON200.Items) == 0 {
		h.tb.Fatal("nothing arrived")
	}
}

// disclosures lists what left in a case, and what was refused.
func (h *house) disclosures(caseID string) []decision.Disclosure {
	h.tb.Helper()
	id := uuid.MustParse(caseID)
	limit := 500
	answer, err := h.as("operator-bayern").ListDisclosuresWithResponse(h.tb.Context(), &client.ListDisclosuresParams{CaseId: &id, Limit: &limit})
	if err != nil {
		h.tb.Fatal(err)
	}
	page, err := client.Value(answer, answer.JSON200)
	if err != nil {
		h.tb.Fatal(err)
	}
	return page.Disclosures
}

// verified checks every receipt of the ledger.
func (h *house) verified() client.Verification {
	h.tb.Helper()
	answer, err := h.as("operator-bayern").VerifyLedgerWithResponse(h.tb.Context())
	if err != nil {
		h.tb.Fatal(err)
	}
	v, err := client.Value(answer, answer.JSON200)
	if err != nil || !v.Valid {
		h.tb.Fatalf("ledger: %+v, %v", v, err)
	}
	return v
}

// get reads a page of the server without a token.
func (h *house) get(path string) []byte {
	h.tb.Helper()
	req, err := http.NewRequestWithContext(h.tb.Context(), http.MethodGet, h.program.api+path, http.NoBody)
	if err != nil {
		h.tb.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		h.tb.Fatalf("GET %s: %d %s, %v", path, resp.StatusCode, raw, err)
	}
	return raw
}

// files lists the regular files below dir with their bytes.
func files(tb testing.TB, dir string) map[string][]byte {
	tb.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		out[path] = raw
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func mustUUID(tb testing.TB, s string) uuid.UUID {
	tb.Helper()
	id, err := uuid.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// ask asks for fields as a statutory recipient does.
func ask(fields ...string) client.FetchRequest {
	return client.FetchRequest{Fields: fields, Purpose: "notice.inform", Basis: "eu-gdpr:A6-1-c"}
}
