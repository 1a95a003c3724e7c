package service

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// maxListed is the number of allowed codes above which a detail does not list them.
const maxListed = 24

// detail says what is wrong and what would be right, from the schema alone: the library's own texts repeat the value.
func (p Package) detail(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return "want " + strings.Join(k.Want, " or ")
	case *kind.Enum:
		if len(k.Want) > maxListed {
			return "is none of the allowed codes"
		}
		return "want one of: " + list(k.Want)
	case *kind.Const:
		return fmt.Sprintf("want %v", k.Want)
	case *kind.Format:
		return "want the format " + k.Want
	case *kind.Pattern:
		return "does not match " + k.Want
	case *kind.MinLength:
		return fmt.Sprintf("want at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("want at most %d characters", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("want at least %d items", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("want at most %d items", k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("items %d and %d are the same", k.Duplicates[0], k.Duplicates[1])
	case *kind.Minimum:
		return "want at least " + k.Want.RatString()
	case *kind.Maximum:
		return "want at most " + k.Want.RatString()
	case *kind.FalseSchema:
		return "must not be there"
	case *kind.AdditionalProperties:
		return fmt.Sprintf("has members that the form does not know: %d; it knows: %s", len(k.Properties), p.known(e.InstanceLocation))
	}
	return "does not follow the form"
}

func list(codes []any) string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = fmt.Sprint(c)
	}
	return strings.Join(out, ", ")
}

// known lists the members of the object at a location of the application.
func (p Package) known(location []string) string {
	n := p.form.root
	for _, name := range location {
		if n == nil {
			break
		}
		if n.items != nil {
			n = n.items
			continue
		}
		n = n.properties[name]
	}
	if n == nil {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(n.properties)), ", ")
}
