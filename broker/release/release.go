package release

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/broker/internal/trace"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// Ledger appends events and runs steps of a process once in effect.
type Ledger interface {
	Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error)
	Step(ctx context.Context, cmd engine.Command, fn func(tx *sqlstore.Tx) (engine.Result, error)) (engine.Result, error)
}

// Decider answers the disclosure question: Decide on the policy in force, Replay on a recorded revision.
type Decider interface {
	Decide(ctx context.Context, in decision.Input) (decision.Document, error)
	Replay(ctx context.Context, revision string, in decision.Input) (decision.Document, error)
}

// Vault describes and opens content and facts, and seals records.
type Vault interface {
	Describe(ctx context.Context, id content.ID) (content.Object, error)
	Load(ctx context.Context, id content.ID) (content.Object, error)
	Contents(ctx context.Context, caseID string, kind content.Kind) ([]content.Ref, error)
	Facts(ctx context.Context, caseID string) (fact.Values, error)
	SealLog(ctx context.Context, tenant authority.TenantID, at time.Time, class string, plaintext, aad []byte) (sealed []byte, keyID string, err error)
	OpenLog(ctx context.Context, keyID string, sealed, aad []byte) ([]byte, error)
}

// Law knows the rows that are in force at an instant for a recipient's role, the names of recipients, the fields of
// each form, and how long the record of a decision is kept on which no row bears.
type Law interface {
	Rows(service key.ServiceKey, role authority.Role, at time.Time) []law.Row
	Recipient(role authority.Role) (law.Recipient, bool)
	FormFields(form string) []law.FormField
	Retain() string
}

// Package is the part of a service package that release needs.
type Package interface {
	// AllFields lists the ids of every field that the application schema knows.
	AllFields() []string
	// Filter returns a copy of app with only the released fields.
	Filter(app map[string]any, released []string) map[string]any
}

// Packages finds the service package of a case by the hash that the case keeps.
type Packages interface {
	Package(ctx context.Context, hash string) (Package, error)
}

// Register knows the authorities.
type Register interface {
	Authority(ctx context.Context, id authority.ID) (authority.Authority, error)
}

// Deliveries learns that an authority has fetched a content for a purpose; it moves its rows in the releasing transaction.
type Deliveries interface {
	Fetched(ctx context.Context, tx *sqlstore.Tx, caseID string, recipient authority.ID, id content.ID, purpose string) error
}

// Config is what release needs.
type Config struct {
	DB         *sqlstore.DB
	Ledger     Ledger
	Decider    Decider
	Access     standing.Access
	Vault      Vault
	Law        Law
	Packages   Packages
	Register   Register
	Deliveries Deliveries
	// Operator hosts the cases.
	Operator authority.OperatorID
	// Tracer makes a span per question to the policy and per filtering. Defaults to none.
	Tracer *trace.Tracer
	// Log receives refusals. Defaults to slog.Default.
	Log *slog.Logger
}

// Release is the domain.
type Release struct {
	cfg  Config
	gate standing.Gate
}

// New returns the domain.
func New(cfg Config) *Release {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Release{cfg: cfg, gate: standing.Gate{Access: cfg.Access}}
}

// Mount adds release's routes to mux.
func (r *Release) Mount(mux *http.ServeMux, errs httpserver.Errors) {
	h := NewStrictHandlerWithOptions(handlers{r}, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: errs.Request, ResponseErrorHandlerFunc: errs.Response,
	})
	HandlerWithOptions(h, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: errs.Param})
}

// source names the broker's own emitter of events.
func (r *Release) source() string { return "urn:efa:operator:" + string(r.cfg.Operator) }
