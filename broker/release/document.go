package release

import (
	"maps"
	"slices"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// checkDocument checks the answer of the policy: each requested field is either released or withheld with a
// reason, nothing else is, and the outcome says so. An answer that the broker cannot carry out is none (fail closed).
func checkDocument(in decision.Input, doc decision.Document) error {
	wrong := func(what string) error {
		return contracts.Errorf(contracts.Internal, "check decision", "%s", what)
	}
	if doc.Schema != decision.SchemaV1 || doc.Stage != in.Stage {
		return wrong("schema or stage is another than was asked for")
	}
	if len(doc.Release)+len(doc.Withhold) != len(in.Fields) {
		return wrong("released and withheld fields are not the requested ones")
	}
	for _, name := range in.Fields {
		field, released := doc.Release[name]
		codes, withheld := doc.Withhold[name]
		switch {
		case released == withheld:
			return wrong("a field is both released and withheld, or neither")
		case withheld && len(codes) == 0:
			return wrong("a field is withheld without a reason")
		case released && field.Effect != effects()[in.Stage]:
			return wrong("a field has an effect that this broker cannot apply")
		}
	}
	if doc.Outcome != outcomeOf(doc) {
		return wrong("the outcome contradicts the fields")
	}
	if doc.Revision.Policy == "" {
		return wrong("the revision is missing")
	}
	return nil
}

// effects are the effects that this broker can apply: a field is announced, or it leaves as it is.
func effects() map[decision.Stage]string {
	return map[decision.Stage]string{decision.Abstract: "announce", decision.Concrete: "allow"}
}

func outcomeOf(doc decision.Document) decision.Outcome {
	switch {
	case len(doc.Release) == 0:
		return decision.Refuse
	case len(doc.Withhold) == 0:
		return decision.Release
	}
	return decision.Partial
}

// released lists the released fields in the order of the form; never nil.
func released(doc decision.Document) []string {
	return append([]string{}, slices.SortedFunc(maps.Keys(doc.Release), decision.CompareFields)...)
}

// reasons lists the codes of everything that was not proven, sorted, each once.
func reasons(doc decision.Document) []string {
	codes := map[string]bool{}
	for _, list := range doc.Withhold {
		for _, code := range list {
			codes[code] = true
		}
	}
	return sorted(codes)
}

// sorted returns the keys of m in order; never nil, because a list in JSON is never null.
func sorted[V any](m map[string]V) []string {
	return append([]string{}, slices.Sorted(maps.Keys(m))...)
}
