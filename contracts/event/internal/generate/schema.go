package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/efa-broker/efa-broker/contracts/event"
)

// Schema generates the JSON Schema of an event type, two spaces of indentation. It returns an error for a member that
// could hold free text.
func Schema(t event.Type) ([]byte, error) {
	s, err := schemaOf(reflect.TypeOf(t.Data), "")
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", t.Name, err)
	}
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = "urn:efa:event:" + t.Name
	s["title"] = t.Name
	s["description"] = t.Meaning
	return indent(s)
}

// schemaOf is the schema of a Go type; name is the JSON name of the member that has it.
func schemaOf(t reflect.Type, name string) (object, error) {
	if s, ok := named()[t]; ok {
		return s, nil
	}
	switch t.Kind() { //nolint:exhaustive // the default refuses every kind that no event has
	case reflect.Pointer:
		return schemaOf(t.Elem(), name)
	case reflect.Slice:
		items, err := schemaOf(t.Elem(), name)
		return object{"type": "array", "maxItems": 256, "items": items}, err
	case reflect.Struct:
		return structSchema(t)
	case reflect.String:
		if s, ok := member(name); ok && t == reflect.TypeFor[string]() {
			return s, nil
		}
		return nil, fmt.Errorf("member %q of type %s could hold free text", name, t)
	default:
		return nil, fmt.Errorf("member %q has the type %s, which no event may have", name, t)
	}
}

func structSchema(t reflect.Type) (object, error) {
	properties, required := object{}, []string{}
	for f := range t.Fields() {
		name, optional, err := jsonName(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t, err)
		}
		if properties[name], err = schemaOf(f.Type, name); err != nil {
			return nil, fmt.Errorf("%s: %w", t, err)
		}
		if !optional {
			required = append(required, name)
		}
	}
	return object{"type": "object", "additionalProperties": false, "properties": properties, "required": required}, nil
}

// jsonName is the name of a struct field in JSON, and whether it may be absent.
func jsonName(f reflect.StructField) (name string, optional bool, err error) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" || name == "-" || f.Anonymous || !f.IsExported() {
		return "", false, fmt.Errorf("field %s has no JSON name of its own", f.Name)
	}
	return name, options == "omitempty", nil
}

func indent(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
