package ingress

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
	"github.com/efa-broker/efa-broker/contracts/strictjson"
)

// The faults that this package finds itself; the package comment says what each means.
const (
	ErrSourceForged     cloudevent.FaultError = "source_forged"
	ErrEquivocation     cloudevent.FaultError = "equivocation"
	ErrExtensionMissing cloudevent.FaultError = "extension_missing"
	ErrExtensionUnknown cloudevent.FaultError = "extension_unknown"
	ErrOperatorDiffers  cloudevent.FaultError = "operator_differs"
	ErrUnknownType      cloudevent.FaultError = "unknown_type"
	ErrSchemaViolation  cloudevent.FaultError = "schema"
	ErrSenderUnknown    cloudevent.FaultError = "sender_unknown"
	// ErrPanic is a record at which this program broke down.
	ErrPanic cloudevent.FaultError = "panic"
)

// claim is an answer that may be given: all but what the domains themselves check.
type claim struct {
	event  cloudevent.Event
	digest string
	// repeated is one that was taken before; nothing else is known of it.
	repeated bool
	viewer   actor.Viewer
	// task is the task that it answers; empty for the answer to a delivery.
	task string
	// prepare asks the domain.
	prepare func(ctx context.Context, r Receipt) (Effect, error)
}

// check reads and checks a record of an authority's topic at the instant of its reading. A FaultError is final; every other
// error may pass.
func (in *Ingress) check(ctx context.Context, a authority.ID, r Record, at time.Time) (claim, error) {
	e, err := cloudevent.Read(r.Record)
	if err != nil {
		return claim{}, err
	}
	if e.Source != answer.Source(a) {
		return claim{}, ErrSourceForged
	}
	c := claim{event: e}
	if c.digest, err = digestOf(e); err != nil {
		return claim{}, err
	}
	taken, err := in.taken(ctx, e)
	if err != nil {
		return claim{}, err
	}
	if taken == c.digest {
		c.repeated = true // whatever has become of the key since: it was good when the answer was taken
		return c, nil
	}
	key, err := in.cfg.Ring.Verify(e, a, at)
	if err != nil {
		return claim{}, err
	}
	if taken != "" {
		return claim{}, ErrEquivocation
	}
	if err := in.envelope(e); err != nil {
		return claim{}, err
	}
	if c.viewer, err = in.sender(ctx, a, key); err != nil {
		return claim{}, err
	}
	err = in.content(&c)
	return c, err
}

// digestOf identifies all that a seal of the event covers.
func digestOf(e cloudevent.Event) (string, error) {
	if !answer.ValidID(e.ID) || e.Subject == "" || e.DataSchema != "" {
		return "", cloudevent.ErrBadAttribute
	}
	material, err := seal.Material(e, strings.Split(e.Extensions[seal.ExtList], ","))
	return hex.EncodeToString(material[:]), err
}

// envelope checks the extensions, once the seal says that they are the sender's.
func (in *Ingress) envelope(e cloudevent.Event) error {
	for name := range e.Extensions {
		if name != seal.ExtMaterial && name != seal.ExtList && !slices.Contains(answer.Extensions(), name) {
			return ErrExtensionUnknown
		}
	}
	switch operator, given := e.Extensions[answer.ExtOperator]; {
	case !given:
		return ErrExtensionMissing
	case operator != string(in.cfg.Operator):
		return ErrOperatorDiffers
	}
	if key, given := e.Extensions[event.ExtPartitionKey]; given && key != e.Subject {
		return cloudevent.ErrBadAttribute
	}
	return nil
}

// sender is the machine client as which the holder of a key counts.
func (in *Ingress) sender(ctx context.Context, a authority.ID, key seal.Key) (actor.Viewer, error) {
	v, err := in.cfg.Principals.Machine(ctx, key.Principal)
	if contracts.KindOf(err) == contracts.Unauthenticated {
		return actor.Viewer{}, ErrSenderUnknown
	}
	if err != nil {
		return actor.Viewer{}, err
	}
	if v.Authority != a || v.Role != actor.System || v.Operator != in.cfg.Operator {
		return actor.Viewer{}, ErrSenderUnknown
	}
	return v, nil
}

// typeForm is the name of a type with its version.
var typeForm = regexp.MustCompile(`^(de\.efa\.answer\.[a-z]+)\.v[1-9][0-9]?$`)

// content checks type and data and finds out what the answer asks for.
func (in *Ingress) content(c *claim) error {
	schema, known := in.schemas[c.event.Type]
	if !known {
		return strangeType(c.event.Type)
	}
	media, params, err := mime.ParseMediaType(c.event.DataContentType)
	if err != nil || media != "application/json" || len(params) > 1 || len(params) == 1 && !strings.EqualFold(params["charset"], "utf-8") {
		return cloudevent.ErrUnsupportedFormat
	}
	value, problems := strictjson.Parse(c.event.Data, func(string) bool { return false })
	if problems != nil {
		return cloudevent.ErrNotStrictJSON
	}
	if schema.Validate(value) != nil { // its text would quote the data
		return ErrSchemaViolation
	}
	return in.dispatch(c)
}

// strangeType tells a later version of an answer from what is none.
func strangeType(name string) error {
	if m := typeForm.FindStringSubmatch(name); m != nil {
		for _, t := range answer.Types() {
			if strings.HasPrefix(t.Name, m[1]+".v") {
				return cloudevent.ErrUnknownVersion
			}
		}
	}
	return ErrUnknownType
}

// dispatch decodes the data and names the domain's method.
func (in *Ingress) dispatch(c *claim) (err error) {
	v, answers := c.viewer, in.cfg.Answers
	switch c.event.Type {
	case answer.TypeCompleted:
		var d answer.Completed
		err = json.Unmarshal(c.event.Data, &d)
		c.task = d.Task
		c.prepare = func(ctx context.Context, r Receipt) (Effect, error) { return answers.Complete(ctx, v, r, d) }
	case answer.TypeReturned:
		var d answer.Returned
		err = json.Unmarshal(c.event.Data, &d)
		c.task = d.Task
		c.prepare = func(ctx context.Context, r Receipt) (Effect, error) { return answers.Return(ctx, v, r, d) }
	case answer.TypeAccepted:
		var d answer.Accepted
		err = json.Unmarshal(c.event.Data, &d)
		c.prepare = func(ctx context.Context, r Receipt) (Effect, error) { return answers.Accept(ctx, v, r, d) }
	case answer.TypeRejected:
		var d answer.Rejected
		err = json.Unmarshal(c.event.Data, &d)
		c.prepare = func(ctx context.Context, r Receipt) (Effect, error) { return answers.Reject(ctx, v, r, d) }
	default:
		return ErrUnknownType
	}
	if err != nil {
		return ErrSchemaViolation
	}
	return nil
}

// compile reads the schemas of all answers.
func compile() (map[string]*jsonschema.Schema, error) {
	out := map[string]*jsonschema.Schema{}
	for _, t := range answer.Types() {
		raw, _ := answer.Schema(t.Name)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("read schema of %s: %w", t.Name, err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		err = c.AddResource(t.Name, doc)
		if err == nil {
			out[t.Name], err = c.Compile(t.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("compile schema of %s: %w", t.Name, err)
		}
	}
	return out, nil
}

// faultOf is the reason for which a record is refused, when the error is final.
func faultOf(err error) (cloudevent.FaultError, bool) {
	if fault, ok := errors.AsType[cloudevent.FaultError](err); ok {
		return fault, true
	}
	switch kind := contracts.KindOf(err); kind {
	case contracts.Unavailable, contracts.Internal:
		return "", false
	case contracts.Invalid, contracts.Unauthenticated, contracts.Denied, contracts.NotFound, contracts.Conflict,
		contracts.NotCompetent, contracts.TooLarge, contracts.Unsupported:
		return cloudevent.FaultError(kind.String()), true
	}
	return "", false
}
