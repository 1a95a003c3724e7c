package policies

import (
	"reflect"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// inputSchemas is the schema set with which rules about an input of type T are compiled: a misspelt member is an error
// at load instead of undefined for ever.
func inputSchemas[T any]() *ast.SchemaSet {
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, inputSchema(reflect.TypeFor[T]()))
	return set
}

// inputSchema is the closed JSON Schema (draft-07) of a Go type, taken from its json tags. Only what inputs are made of
// is known; another kind of type panics, because inputs are types of this product.
func inputSchema(t reflect.Type) map[string]any {
	switch t.Kind() { //nolint:exhaustive // inputs are made of these kinds alone
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": inputSchema(t.Elem())}
	case reflect.Map: // facts: names declared by service packages, scalar values
		return map[string]any{
			"type":                 "object",
			"additionalProperties": map[string]any{"type": []any{"boolean", "string", "integer"}},
		}
	case reflect.Struct:
		properties, required := map[string]any{}, []any{}
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			properties[name] = inputSchema(f.Type)
			required = append(required, name)
		}
		return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	default:
		panic("policies: input of kind " + t.Kind().String())
	}
}
