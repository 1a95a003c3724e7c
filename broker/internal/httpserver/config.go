package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/api"
)

// Authenticator recognises the caller by a bearer token. It returns an error of kind Unauthenticated for a token that
// does not count here, Unavailable when it cannot tell right now.
type Authenticator interface {
	Authenticate(ctx context.Context, bearer string) (actor.Viewer, error)
}

// AuditLine is one refused request: who was refused what, why. It holds no content, no identifier of a person, no path.
type AuditLine struct {
	// Principal is the id of the recognised caller, "" when nobody was recognised.
	Principal string
	// Operation is the operationId, or the route's pattern for a route outside of the OpenAPI document.
	Operation string
	// Kind is the word of the error kind ("denied").
	Kind string
	// ErrorID is the id that the caller was told.
	ErrorID string
}

// Audit records refusals. Refused returns once the line is durable; an error means that it is not, and the request is
// answered 503 instead.
type Audit interface {
	Refused(ctx context.Context, line AuditLine) error
}

// Check is a named condition of readiness.
type Check struct {
	// Name is shown when the check fails; lower case, from a closed list ("ledger", "kafka").
	Name string
	// Probe returns nil when the part is ready. Its context ends after two seconds.
	Probe func(ctx context.Context) error
	// Beside marks a part without which requests are served all the same; while it fails it is shown as away, and a load
	// balancer goes on sending requests.
	Beside bool
}

// Config is what the handler needs.
type Config struct {
	// API has the routes that the domains mounted. Only what the OpenAPI document names is reachable.
	API *http.ServeMux
	// OpenAPI is the document that requests are checked against. Defaults to contracts/api.OpenAPI.
	OpenAPI []byte
	// Tags limits the served operations to those with one of these tags; tests of one domain set its tag. An operation
	// that should be served and is not mounted is an error. Defaults to all operations.
	Tags []string
	// Open maps patterns to handlers that recognise callers themselves and answer in their own form, above all the
	// embedded OpenID provider ("/oidc/"). Their refusals are audited too. Defaults to none.
	Open map[string]http.Handler
	// Authenticator recognises callers of the API. Required.
	Authenticator Authenticator
	// Audit records refusals. Required.
	Audit Audit
	// Receiver stamps requests that bring something. Defaults to none: the time of the record counts.
	Receiver Receiver
	// Checks decide /readyz. Defaults to none: ready once it serves.
	Checks []Check
	// Registry collects the server's metrics and is what /metrics shows. Defaults to an own one.
	Registry *prometheus.Registry
	// Logger receives the causes of refusals and faults. Defaults to discarding them.
	Logger *slog.Logger
	// Tracer makes a span per request of the API. Defaults to none.
	Tracer *trace.Tracer
	// Limits bound what is read. Each field has its own default.
	Limits Limits
}

// Limits bound what is read from a caller, in bytes.
type Limits struct {
	// JSONBytes is the limit of a JSON body. Change it when a service has larger forms. Defaults to 1 MiB.
	JSONBytes int64
	// DocumentBytes is the limit of any other body (certificates, attachments). Defaults to 10 MiB.
	DocumentBytes int64
	// OpenBytes is the limit of a body on an open route. Defaults to 64 KiB.
	OpenBytes int64
}

var (
	errNoAPI           = errors.New("API is required")
	errNoAuthenticator = errors.New("authenticator is required")
	errNoAudit         = errors.New("audit is required")
	errLimit           = errors.New("limits must not be negative")
)

// withDefaults returns the config with every default filled in, and all that is wrong with it at once.
func (c Config) withDefaults() (Config, error) {
	var faults []error
	for _, f := range []struct {
		wrong bool
		err   error
	}{
		{c.API == nil, errNoAPI},
		{c.Authenticator == nil, errNoAuthenticator},
		{c.Audit == nil, errNoAudit},
		{c.Limits.JSONBytes < 0 || c.Limits.DocumentBytes < 0 || c.Limits.OpenBytes < 0, errLimit},
	} {
		if f.wrong {
			faults = append(faults, f.err)
		}
	}
	if len(faults) > 0 {
		return c, fmt.Errorf("configure HTTP handler: %w", errors.Join(faults...))
	}
	if c.OpenAPI == nil {
		c.OpenAPI = api.OpenAPI
	}
	if c.Registry == nil {
		c.Registry = prometheus.NewRegistry()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.withDefaults()
	return c, nil
}

func (l Limits) withDefaults() Limits {
	if l.JSONBytes == 0 {
		l.JSONBytes = 1 << 20
	}
	if l.DocumentBytes == 0 {
		l.DocumentBytes = 10 << 20
	}
	if l.OpenBytes == 0 {
		l.OpenBytes = 64 << 10
	}
	return l
}
