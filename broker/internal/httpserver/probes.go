package httpserver

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// probeTimeout bounds one readiness check.
const probeTimeout = 2 * time.Second

// live answers as long as the process serves at all.
func live(w http.ResponseWriter, _ *http.Request) {
	writeStatus(w, http.StatusOK, probeAnswer{Status: "live"})
}

type probeAnswer struct {
	Status  string   `json:"status"`
	Failing []string `json:"failing,omitempty"`
}

// readiness runs all checks at the same time and lists those that fail.
type readiness struct {
	checks []Check
	logger *slog.Logger
}

// ServeHTTP answers 200 when every check holds, else 503 with the names of those that do not.
func (p readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
	defer cancel()
	errs := make([]error, len(p.checks))
	var wg sync.WaitGroup
	for i, c := range p.checks {
		wg.Go(func() { errs[i] = c.Probe(ctx) })
	}
	wg.Wait()
	var failing []string
	for i, err := range errs {
		if err != nil {
			failing = append(failing, p.checks[i].Name)
			p.logger.WarnContext(ctx, "not ready", "trace_id", exchangeOf(r.Context()).traceID, "check", p.checks[i].Name, "cause", err.Error())
		}
	}
	if len(failing) > 0 {
		slices.Sort(failing)
		writeStatus(w, http.StatusServiceUnavailable, probeAnswer{Status: "not_ready", Failing: failing})
		return
	}
	writeStatus(w, http.StatusOK, probeAnswer{Status: "ready"})
}

func writeStatus(w http.ResponseWriter, status int, answer probeAnswer) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // a struct of strings is always JSON
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
