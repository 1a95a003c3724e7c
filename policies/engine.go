package policies

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// Bundles gives the bundles of past revisions, for replay.
type Bundles interface {
	// Bundle returns the bytes of the bundle with this revision ("sha256:…"), NotFound when there is none.
	Bundle(ctx context.Context, revision string) ([]byte, error)
}

// Config says with what an Engine is built.
type Config struct {
	// Law is the law of the embedded bundle. Required.
	Law law.Book
	// Bundles gives past bundles. Without it only the revision in force can be replayed. Defaults to none.
	Bundles Bundles
	// Deadline bounds one decision; change it only when the machine is far slower than usual. Defaults to 500 ms.
	Deadline time.Duration
}

// defaultDeadline is far above what a decision takes, so that it ends a fault and not a busy machine (doc.go).
const defaultDeadline = 500 * time.Millisecond

// Engine answers both questions on the policy in force. It is safe for concurrent use; each answer comes from one
// policy as a whole, also while another one is activated.
type Engine struct {
	policy   atomic.Pointer[policy]
	past     *past
	deadline time.Duration
}

// New builds the embedded bundle and puts it in force. An error is Internal: rules or law of this version are broken.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Deadline == 0 {
		cfg.Deadline = defaultDeadline
	}
	raw, err := buildBundle(embeddedRules, cfg.Law)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "build policy bundle", "%w", err)
	}
	p, err := loadPolicy(ctx, raw)
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "load policy bundle", "%w", err)
	}
	e := &Engine{past: newPast(cfg.Bundles), deadline: cfg.Deadline}
	e.policy.Store(p)
	return e, nil
}

// Activate puts a bundle in force, as a whole or not at all: when it does not load, the one before stays in force and
// the error is Invalid.
func (e *Engine) Activate(ctx context.Context, raw []byte) error {
	p, err := loadPolicy(ctx, raw)
	if err != nil {
		return contracts.Errorf(contracts.Invalid, "activate policy bundle", "%w", err)
	}
	e.policy.Store(p)
	return nil
}

// Revision names the policy in force and the engine.
func (e *Engine) Revision() decision.Revision { return e.policy.Load().revision }

// Bundle is the bundle in force; its SHA-256 is the policy's revision. The caller must not change it.
func (e *Engine) Bundle() []byte { return e.policy.Load().raw }

// Decide answers whether the fields may go to the recipient, on the policy in force. Errors: Invalid with every
// problem of the input, Unavailable when the time is up, Internal otherwise; with an error nothing may leave.
func (e *Engine) Decide(ctx context.Context, in decision.Input) (decision.Document, error) {
	return e.decide(ctx, e.policy.Load(), in)
}

// Replay answers a recorded input on the policy that was in force then. Its document equals the recorded one unless
// the engine itself has changed (Document.Revision.Engine). Errors as for Decide, and those of Config.Bundles.
func (e *Engine) Replay(ctx context.Context, revision string, in decision.Input) (decision.Document, error) {
	p := e.policy.Load()
	if p.revision.Policy != revision {
		var err error
		if p, err = e.past.policy(ctx, revision); err != nil {
			return decision.Document{}, err
		}
	}
	return e.decide(ctx, p, in)
}

// Allow answers whether a role may do something with what stands in that relation to it. A role, action or relation
// that the policy does not know is not allowed. With an error nothing is allowed.
func (e *Engine) Allow(ctx context.Context, in decision.AccessInput) (bool, error) {
	const op = "decide access"
	value, err := e.eval(ctx, op, e.policy.Load().access, accessTerm(in), decodeBool)
	if err != nil {
		return false, err
	}
	allowed, ok := value.(bool)
	if !ok {
		return false, contracts.Errorf(contracts.Internal, op, "the answer is neither true nor false")
	}
	return allowed, nil
}

func (e *Engine) decide(ctx context.Context, p *policy, in decision.Input) (decision.Document, error) {
	const op = "decide disclosure"
	if err := checkInput(in); err != nil {
		return decision.Document{}, err
	}
	value, err := e.eval(ctx, op, p.disclosure, disclosureTerm(in), decodeAnswer)
	if err != nil {
		return decision.Document{}, err
	}
	a, ok := value.(answer)
	if !ok {
		return decision.Document{}, contracts.Errorf(contracts.Internal, op, "the answer is no decision")
	}
	doc, err := p.document(in, a)
	if err != nil {
		return decision.Document{}, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	return doc, nil
}

// decoder turns the engine's term into a Go value.
type decoder func(*ast.Term, *rego.EvalContext) (any, error)

func decodeBool(t *ast.Term, _ *rego.EvalContext) (any, error) {
	b, ok := t.Value.(ast.Boolean)
	if !ok {
		return nil, errors.New("want true or false")
	}
	return bool(b), nil
}

// eval asks one prepared question within the deadline; anything but exactly one result is an error.
func (e *Engine) eval(ctx context.Context, op string, q rego.PreparedEvalQuery, input ast.Value, decode decoder) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, e.deadline)
	defer cancel()
	if ctx.Err() != nil {
		return nil, contracts.Errorf(contracts.Unavailable, op, "%w", ctx.Err())
	}
	rs, err := q.Eval(ctx, rego.EvalParsedInput(input), rego.EvalGenerateJSON(decode))
	switch {
	case err != nil && (topdown.IsCancel(err) || ctx.Err() != nil):
		return nil, contracts.Errorf(contracts.Unavailable, op, "no answer within %s", e.deadline)
	case err != nil:
		return nil, contracts.Errorf(contracts.Internal, op, "%w", err)
	case len(rs) != 1 || len(rs[0].Expressions) != 1:
		return nil, contracts.Errorf(contracts.Internal, op, "the answer is undefined")
	}
	return rs[0].Expressions[0].Value, nil
}
