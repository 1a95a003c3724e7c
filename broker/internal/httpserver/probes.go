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
	// Away are parts that fail and without which requests are served all the same.
	Away []string `json:"away,omitempty"`
}

// readiness runs all checks at the same time and lists those that fail.
type readiness struct {
	checks []Check
	logger *slog.Logger
}

// ServeHTTP answers 200 when every check holds that is not beside, else 503; both name those that do not hold.
func (p readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
	defer cancel()
	errs := make([]error, len(p.checks))
	var wg sync.WaitGroup
	for i, c := range p.checks {
		wg.Go(func() { errs[i] = c.Probe(ctx) })
	}
	wg.Wait()
	status, answer := http.StatusOK, probeAnswer{Status: "ready"}
	for i, err := range errs {
		if err == nil {
			continue
		}
		c := p.checks[i]
		if c.Beside {
			answer.Away = append(answer.Away, c.Name)
		} else {
			status, answer.Status = http.StatusServiceUnavailable, "not_ready"
			answer.Failing = append(answer.Failing, c.Name)
		}
		p.logger.WarnContext(ctx, "a check failed", "trace_id", exchangeOf(r.Context()).traceID, "check", c.Name, "serves", c.Beside, "cause", err.Error())
	}
	slices.Sort(answer.Failing)
	slices.Sort(answer.Away)
	writeStatus(w, status, answer)
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
