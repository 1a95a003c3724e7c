package openapi

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/efa-broker/efa-broker/contracts"
)

// problems turns an error of the validator into problems, sorted by pointer. Only what stands in the schema is told,
// never what was sent: the validator's own texts repeat values.
func (o *Operation) problems(err error) []contracts.Problem {
	var verr *jsonschema.ValidationError
	if !errors.As(err, &verr) {
		return nil
	}
	var out []contracts.Problem
	o.leaves(verr, &out)
	slices.SortFunc(out, func(a, b contracts.Problem) int {
		return cmp.Or(strings.Compare(a.Pointer, b.Pointer), strings.Compare(a.Detail, b.Detail))
	})
	return bounded(slices.Compact(out))
}

// maxProblems bounds an answer to a hostile request; a caller with an honest fault never has so many.
const maxProblems = 100

func bounded(problems []contracts.Problem) []contracts.Problem {
	if len(problems) <= maxProblems {
		return problems
	}
	return append(problems[:maxProblems:maxProblems], contracts.Problem{Detail: "there are more faults than are listed"})
}

func (o *Operation) leaves(e *jsonschema.ValidationError, out *[]contracts.Problem) {
	if len(e.Causes) > 0 {
		for _, c := range e.Causes {
			o.leaves(c, out)
		}
		return
	}
	at := o.shown(e.InstanceLocation)
	if r, ok := e.ErrorKind.(*kind.Required); ok {
		for _, name := range r.Missing {
			*out = append(*out, contracts.Problem{Pointer: at + pointer(name), Detail: "is required"})
		}
		return
	}
	*out = append(*out, contracts.Problem{Pointer: at, Detail: o.detail(e)})
}

// shown is the pointer with every name that the document does not use replaced by "*".
func (o *Operation) shown(location []string) string {
	tokens := slices.Clone(location)
	for i, t := range tokens {
		if !o.vocabulary.names[t] && !isIndex(t) {
			tokens[i] = "*"
		}
	}
	return pointer(tokens...)
}

func isIndex(token string) bool {
	return token != "" && len(token) < 7 && strings.Trim(token, "0123456789") == ""
}

func (o *Operation) detail(e *jsonschema.ValidationError) string {
	if k, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
		return fmt.Sprintf("%d unknown name(s); known are: %s", len(k.Properties), list(o.vocabulary.of(e.SchemaURL)))
	}
	return detail(e.ErrorKind)
}

func detail(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "must be " + strings.Join(k.Want, " or ")
	case *kind.Enum:
		return "must be one of: " + list(texts(k.Want))
	case *kind.Const:
		return fmt.Sprintf("must be %v", k.Want)
	case *kind.Format:
		return "must have the format " + k.Want
	case *kind.Pattern:
		return "must match the pattern " + k.Want
	case *kind.UniqueItems:
		return fmt.Sprintf("items %d and %d are equal; each may stand once", k.Duplicates[0], k.Duplicates[1])
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	default:
		return sizeDetail(k)
	}
}

func sizeDetail(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.MinLength:
		return fmt.Sprintf("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %d items", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d items", k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("must have at least %d names", k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("must have at most %d names", k.Want)
	default:
		return "does not match the schema: " + strings.Join(k.KeywordPath(), "/")
	}
}

func number(r *big.Rat) string { return strings.TrimSuffix(r.RatString(), "/1") }

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
	}
	return out
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
