package service

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/efa-broker/efa-broker/contracts"
)

// maxProblems bounds the answer to hostile input; a form filled by a person never has so many faults.
const maxProblems = 200

// Validate checks an application against the form: it lists every fault at once, each with a JSON pointer into the
// application, sorted by pointer, and never repeats a value or an unknown name. An empty list means that the application
// may be accepted.
func (p Package) Validate(app []byte) []contracts.Problem {
	object, problems := p.Decode(app)
	if len(problems) > 0 {
		return bounded(problems)
	}
	err := p.schema.Validate(object)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []contracts.Problem{{Detail: "the application cannot be checked against its schema"}}
	}
	return bounded(p.problems(nil, invalid))
}

// problems collects the leaves of a validation error: the faults that a sender can mend.
func (p Package) problems(out []contracts.Problem, e *jsonschema.ValidationError) []contracts.Problem {
	pointer := pointerOf(e.InstanceLocation)
	if _, anyOf := e.ErrorKind.(*kind.AnyOf); anyOf {
		return append(out, contracts.Problem{Pointer: pointer, Detail: alternatives(e)})
	}
	if required, ok := e.ErrorKind.(*kind.Required); ok {
		for _, name := range required.Missing {
			out = append(out, contracts.Problem{Pointer: pointer + "/" + name, Detail: "is required"})
		}
	} else if len(e.Causes) == 0 {
		out = append(out, contracts.Problem{Pointer: pointer, Detail: p.detail(e)})
	}
	for _, cause := range e.Causes {
		out = p.problems(out, cause)
	}
	return out
}

// alternatives says which of several members is missing.
func alternatives(e *jsonschema.ValidationError) string {
	var names []string
	for _, cause := range e.Causes {
		if r, ok := cause.ErrorKind.(*kind.Required); ok {
			names = append(names, r.Missing...)
		}
	}
	slices.Sort(names)
	return "want at least one of: " + strings.Join(slices.Compact(names), ", ")
}

func pointerOf(location []string) string {
	var b strings.Builder
	for _, name := range location {
		b.WriteString("/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// bounded sorts, drops repeats and cuts off after maxProblems.
func bounded(problems []contracts.Problem) []contracts.Problem {
	slices.SortFunc(problems, func(a, b contracts.Problem) int {
		return cmp.Or(cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Detail, b.Detail))
	})
	problems = slices.Compact(problems)
	if len(problems) > maxProblems {
		problems = append(problems[:maxProblems:maxProblems], contracts.Problem{Detail: "there are more faults than are listed"})
	}
	return problems
}

// compile compiles a JSON Schema 2020-12 with formats asserted. It loads nothing from outside.
func compile(raw []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(jsonschema.SchemeURLLoader{})
	const location = "urn:efa:application"
	if err := c.AddResource(location, doc); err != nil {
		return nil, err
	}
	return c.Compile(location)
}
