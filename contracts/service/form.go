package service

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	formPattern  = regexp.MustCompile(`^[a-z][a-z0-9]{0,30}$`)
	factPattern  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	fieldPattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,30}\.[1-9][0-9]{0,2}[a-z]?$`)
)

// maxDepth bounds the nesting of a schema and of an application.
const maxDepth = 16

// form is what the application schema says about fields: a tree of containers whose leaves are fields.
type form struct {
	root *node
	// groups maps each field id to its data group.
	groups map[string]string
}

// node is one property of the application, or the items of a list.
type node struct {
	// field is the id of the form's field to which the property belongs; empty for a container. Nothing inside a field
	// has an id of its own.
	field string
	// types are the JSON types that the schema allows here, and codes the values of an enumeration.
	types      []string
	codes      []string
	properties map[string]*node
	items      *node
}

// rawSchema is the part of a JSON Schema that the tree is built from.
type rawSchema struct {
	Ref        string                     `json:"$ref"`
	Field      string                     `json:"x-efa-field"`
	Group      string                     `json:"x-efa-group"`
	Type       any                        `json:"type"`
	Enum       []any                      `json:"enum"`
	Properties map[string]json.RawMessage `json:"properties"`
	Items      json.RawMessage            `json:"items"`
	Additional any                        `json:"additionalProperties"`
	Defs       map[string]json.RawMessage `json:"$defs"`
}

// formReader builds the tree and collects the data groups.
type formReader struct {
	form   string
	defs   map[string]json.RawMessage
	groups map[string]string
}

// readForm builds the tree of a form's application schema. It refuses a schema in which a property belongs to no field,
// a field to two groups or to another form, or an object is open.
func readForm(formID string, schema []byte) (form, error) {
	var top rawSchema
	if err := json.Unmarshal(schema, &top); err != nil {
		return form{}, fmt.Errorf("application.schema.json: %w", err)
	}
	r := &formReader{form: formID, defs: top.Defs, groups: map[string]string{}}
	root, err := r.read(schema, "", "", 0)
	if err != nil {
		return form{}, fmt.Errorf("application.schema.json: %w", err)
	}
	return form{root: root, groups: r.groups}, nil
}

// read builds the node of one schema; within is the field to which the surroundings belong.
func (r *formReader) read(raw json.RawMessage, path, within string, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: nested deeper than %d", path, maxDepth)
	}
	s, err := r.resolve(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	n := &node{field: s.Field, types: typesOf(s.Type), codes: codesOf(s.Enum)}
	if err := r.claim(s, within); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if within == "" {
		within = s.Field
	}
	if s.Properties != nil {
		if s.Additional != false {
			return nil, fmt.Errorf("%s: additionalProperties must be false", path)
		}
		n.properties = make(map[string]*node, len(s.Properties))
		for name, sub := range s.Properties {
			if n.properties[name], err = r.read(sub, path+"/"+name, within, depth+1); err != nil {
				return nil, err
			}
		}
		return n, nil
	}
	if s.Items != nil {
		n.items, err = r.read(s.Items, path+"/*", within, depth+1)
		return n, err
	}
	if within == "" {
		return nil, fmt.Errorf("%s: belongs to no field of the form", path)
	}
	return n, nil
}

// resolve decodes a schema and lays it over the definition that it refers to.
func (r *formReader) resolve(raw json.RawMessage) (rawSchema, error) {
	var s rawSchema
	if err := json.Unmarshal(raw, &s); err != nil {
		return rawSchema{}, err
	}
	if s.Ref == "" {
		return s, nil
	}
	name, local := strings.CutPrefix(s.Ref, "#/$defs/")
	def, ok := r.defs[name]
	if !local || !ok {
		return rawSchema{}, fmt.Errorf("$ref %q names no definition of this schema", s.Ref)
	}
	merged := rawSchema{}
	if err := json.Unmarshal(def, &merged); err != nil {
		return rawSchema{}, err
	}
	if merged.Ref != "" {
		return rawSchema{}, fmt.Errorf("$ref %q leads to another reference", s.Ref)
	}
	if s.Field != "" {
		merged.Field, merged.Group = s.Field, s.Group
	}
	return merged, nil
}

// claim registers the field of s.
func (r *formReader) claim(s rawSchema, within string) error {
	switch {
	case s.Field == "" && s.Group == "":
		return nil
	case within != "":
		return fmt.Errorf("field %s stands inside field %s", s.Field, within)
	case !fieldPattern.MatchString(s.Field) || !strings.HasPrefix(s.Field, r.form+"."):
		return fmt.Errorf("x-efa-field %q is no field of form %s", s.Field, r.form)
	case s.Group == "":
		return fmt.Errorf("field %s has no x-efa-group", s.Field)
	}
	if g, ok := r.groups[s.Field]; ok && g != s.Group {
		return fmt.Errorf("field %s has the groups %s and %s", s.Field, g, s.Group)
	}
	r.groups[s.Field] = s.Group
	return nil
}

func typesOf(v any) []string {
	switch t := v.(type) {
	case string:
		return []string{t}
	case []any:
		return codesOf(t)
	}
	return nil
}

func codesOf(values []any) []string {
	var out []string
	for _, v := range values {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// at finds the node that a JSON pointer names; list items are not addressed.
func (n *node) at(pointer string) *node {
	for _, name := range splitPointer(pointer) {
		if n = n.properties[name]; n == nil {
			return nil
		}
	}
	return n
}

// splitPointer cuts a JSON pointer (RFC 6901) into its names.
func splitPointer(pointer string) []string {
	if pointer == "" {
		return nil
	}
	names := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, name := range names {
		names[i] = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
	}
	return names
}

// sortFields sorts field ids in the order of the form: gewa1.2 before gewa1.10, gewa1.3 before gewa1.3a.
func sortFields(ids []string) []string {
	slices.SortFunc(ids, func(a, b string) int {
		na, nb := fieldNumber(a), fieldNumber(b)
		if na != nb {
			return na - nb
		}
		return strings.Compare(a, b)
	})
	return ids
}

func fieldNumber(id string) int {
	_, number, _ := strings.Cut(id, ".")
	n, _ := strconv.Atoi(strings.TrimRight(number, "abcdefghijklmnopqrstuvwxyz"))
	return n
}
