package httpserver

import (
	"encoding/json"
	"net/http"

	"github.com/efa-broker/efa-broker/contracts"
)

// problem is an answer of RFC 9457, the schema Problem of the OpenAPI document.
type problem struct {
	Type     string              `json:"type"`
	Title    string              `json:"title"`
	Status   int                 `json:"status"`
	Detail   string              `json:"detail,omitempty"`
	ErrorID  string              `json:"error_id"`
	Problems []contracts.Problem `json:"problems,omitempty"`
	Hint     string              `json:"hint,omitempty"`
}

// problemType is the type URN of a kind of error.
func problemType(kind string) string { return "urn:efa:problem:" + kind }

// retryAfterSeconds is what a caller is told to wait when the broker cannot answer now.
const retryAfterSeconds = "5"

// writeProblem answers with p. A body that cannot be written has lost its reader; there is nobody left to tell.
func writeProblem(w http.ResponseWriter, p problem) {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // a struct of strings is always JSON
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="efa-broker"`)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", retryAfterSeconds)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}
