package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// vocabulary is the names of properties: those that the document uses at all, and those of each schema.
type vocabulary struct {
	names    map[string]bool
	bySchema map[string][]string // schema URL → names, sorted
}

// treeOf is the document as plain JSON values, references unresolved.
func treeOf(doc *openapi3.T) (any, error) {
	raw, err := doc.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("write OpenAPI document: %w", err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	return tree, nil
}

func vocabularyOf(tree any) vocabulary {
	v := vocabulary{names: map[string]bool{}, bySchema: map[string][]string{}}
	v.collect(tree, "")
	return v
}

func (v vocabulary) collect(node any, at string) {
	switch n := node.(type) {
	case map[string]any:
		if properties, ok := n["properties"].(map[string]any); ok {
			v.bySchema[at] = slices.Sorted(maps.Keys(properties))
			for name := range properties {
				v.names[name] = true
			}
		}
		for key, child := range n {
			v.collect(child, at+pointer(key))
		}
	case []any:
		for i, child := range n {
			v.collect(child, at+"/"+strconv.Itoa(i))
		}
	}
}

// of lists the properties of the schema that a validation error names.
func (v vocabulary) of(schemaURL string) []string {
	_, fragment, _ := strings.Cut(schemaURL, "#")
	at, err := url.PathUnescape(fragment)
	if err != nil {
		return nil
	}
	return v.bySchema[at]
}

// pointer renders tokens as a JSON pointer.
func pointer(tokens ...string) string {
	var b strings.Builder
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	for _, t := range tokens {
		b.WriteString("/" + escape.Replace(t))
	}
	return b.String()
}

// target is where a reference points to inside the document, or at when there is none.
func target(ref, at string) string {
	if _, fragment, found := strings.Cut(ref, "#"); found {
		return fragment
	}
	return at
}
