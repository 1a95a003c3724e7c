package httpserver

import (
	"net/http"

	"github.com/efa-broker/efa-broker/contracts"
)

// recorder stands between every handler and the connection, so that no 4xx leaves without its audit line, whoever
// answers it. When the line cannot be written, the answer becomes 503 and nothing of the refusal is sent.
type recorder struct {
	http.ResponseWriter
	gate     *gate
	request  *http.Request
	exchange *exchange
	status   int
	replaced bool
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the status once the refusal, if it is one, is recorded.
func (w *recorder) WriteHeader(status int) {
	if w.status != 0 || status < http.StatusOK {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.status = status
	if status >= http.StatusBadRequest && status < http.StatusInternalServerError {
		if err := w.record(status); err != nil {
			w.replace(err)
			return
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends the body, unless the answer was replaced.
func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.replaced {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p) //nolint:wrapcheck // a writer hands on the writer's error
}

func (w *recorder) record(status int) error {
	kind := w.exchange.kind
	if kind == "" {
		kind = kindOfStatus(status).String()
	}
	return w.gate.cfg.Audit.Refused(w.request.Context(), AuditLine{
		Principal: w.exchange.principal, Operation: w.exchange.operation, Kind: kind, ErrorID: w.exchange.errorID,
	})
}

// replace answers 503 in place of the refusal that could not be recorded.
func (w *recorder) replace(cause error) {
	w.replaced = true
	h := w.Header()
	for _, name := range []string{"Content-Length", "Content-Type", "WWW-Authenticate", "Allow", "Location", "Set-Cookie"} {
		h.Del(name)
	}
	w.status = http.StatusServiceUnavailable
	w.gate.errors.Response(w.ResponseWriter, w.request, contracts.Errorf(contracts.Unavailable, "record refusal", "%w", cause))
}

// answered is the status that the caller saw.
func (w *recorder) answered() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// kindOfStatus names the refusal of an open route, which answers in its own form.
func kindOfStatus(status int) contracts.Kind {
	switch status {
	case http.StatusUnauthorized:
		return contracts.Unauthenticated
	case http.StatusForbidden:
		return contracts.Denied
	case http.StatusNotFound:
		return contracts.NotFound
	case http.StatusConflict:
		return contracts.Conflict
	case http.StatusRequestEntityTooLarge:
		return contracts.TooLarge
	case http.StatusUnsupportedMediaType:
		return contracts.Unsupported
	default:
		return contracts.Invalid
	}
}
