package backofficetest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
)

func (f *face) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/inbox", f.readInbox)
	mux.HandleFunc("POST /v1/contents/{id}/fetch", f.fetch)
	mux.HandleFunc("PUT /v1/contents/{id}", f.store)
	mux.HandleFunc("POST /v1/deliveries/{id}/accept", func(w http.ResponseWriter, r *http.Request) { f.confirm(w, r, "") })
	mux.HandleFunc("POST /v1/deliveries/{id}/reject", f.reject)
	mux.HandleFunc("POST /v1/tasks/{id}/outcome", f.outcome)
	mux.HandleFunc("POST /v1/tasks/{id}/not-competent", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, f.Answer(r.Context(), r.PathValue("id"), backoffice.NotCompetent()))
	})
	mux.HandleFunc("POST /v1/submissions", f.submit)
	return mux
}

func (f *face) readInbox(w http.ResponseWriter, r *http.Request) {
	seconds, _ := strconv.Atoi(r.URL.Query().Get("wait_seconds")) // the guard has checked it
	items, next, err := f.next(r.Context(), r.URL.Query().Get("after"), time.Duration(seconds)*time.Second)
	answer(w, map[string]any{"items": items, "next": next}, err)
}

func (f *face) fetch(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Fields  []string `json:"fields"`
		Purpose string   `json:"purpose"`
		Basis   string   `json:"basis"`
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		problem(w, err)
		return
	}
	got, err := f.Fetch(r.Context(), content.Ref{Content: content.ID(r.PathValue("id"))}, backoffice.Ask(ask))
	answer(w, got, err)
}

func (f *face) store(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		problem(w, err)
		return
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		problem(w, err)
		return
	}
	ref, err := f.Store(r.Context(), backoffice.Document{
		ID: content.ID(r.PathValue("id")), Case: r.URL.Query().Get("case_id"),
		Kind: content.Kind(r.URL.Query().Get("kind")), MediaType: media, Body: body,
	})
	answer(w, ref, err)
}

func (f *face) reject(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Reason delivery.Rejection `json:"reason"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		problem(w, err)
		return
	}
	f.confirm(w, r, body.Reason)
}

func (f *face) confirm(w http.ResponseWriter, r *http.Request, why delivery.Rejection) {
	err := f.Confirm(r.Context(), r.PathValue("id"), why)
	f.mu.Lock()
	defer f.mu.Unlock()
	answer(w, f.item(r.PathValue("id")), err)
}

func (f *face) outcome(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Outcome  string        `json:"outcome"`
		Facts    fact.Values   `json:"facts"`
		Contents []content.Ref `json:"contents"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		problem(w, err)
		return
	}
	err := f.Answer(r.Context(), r.PathValue("id"), backoffice.Outcome{Code: body.Outcome, Facts: body.Facts, Contents: body.Contents})
	answer(w, struct{}{}, err)
}

func (f *face) submit(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ID          string          `json:"submission_id"`
		Service     key.ServiceKey  `json:"service"`
		Region      key.RegionKey   `json:"region"`
		Application json.RawMessage `json:"application"`
		Completes   *struct {
			Case    string `json:"case_id"`
			Task    string `json:"task_id"`
			Outcome string `json:"outcome"`
		} `json:"completes"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		problem(w, err)
		return
	}
	got, err := f.Submit(r.Context(), backoffice.Submission{
		ID: body.ID, Service: body.Service, Region: body.Region, Application: body.Application,
		Completes: (*backoffice.Completes)(body.Completes),
	})
	if err == nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
	}
	answer(w, receipt{Case: got.Case, Submission: body.ID, Service: string(body.Service), ReceivedAt: got.ReceivedAt}, err)
}
