package openapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// root is the name under which the compiler knows the document; nothing is ever loaded from there.
const root = "urn:efa:openapi"

// Document is a loaded OpenAPI document. It is immutable.
type Document struct {
	operations []*Operation
	vocabulary vocabulary
}

// Load reads, validates and compiles a document. It returns an error for a document that is not valid OpenAPI 3.1 or
// that uses what this package does not check.
func Load(ctx context.Context, raw []byte) (*Document, error) {
	parsed, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		return nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	if err := parsed.Validate(ctx); err != nil {
		return nil, fmt.Errorf("validate OpenAPI document: %w", err)
	}
	tree, err := treeOf(parsed)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(root, tree); err != nil {
		return nil, fmt.Errorf("add OpenAPI document: %w", err)
	}
	d := &Document{vocabulary: vocabularyOf(tree)}
	l := loader{compiler: c, vocabulary: d.vocabulary}
	for _, path := range parsed.Paths.InMatchingOrder() {
		for method, op := range parsed.Paths.Value(path).Operations() {
			o, err := l.operation(method, path, op)
			if err != nil {
				return nil, fmt.Errorf("operation %s %s: %w", method, path, err)
			}
			d.operations = append(d.operations, o)
		}
	}
	slices.SortFunc(d.operations, func(a, b *Operation) int { return strings.Compare(a.Pattern(), b.Pattern()) })
	return d, nil
}

// Operations lists the operations, sorted by pattern.
func (d *Document) Operations() []*Operation { return slices.Clone(d.operations) }

// Operation finds the operation of a pattern ("GET /v1/cases/{case_id}"), nil when there is none.
func (d *Document) Operation(pattern string) *Operation {
	for _, o := range d.operations {
		if o.Pattern() == pattern {
			return o
		}
	}
	return nil
}

// Known reports whether the document names a property so. Other names may be content of a person.
func (d *Document) Known(name string) bool { return d.vocabulary.names[name] }

// loader builds operations.
type loader struct {
	compiler   *jsonschema.Compiler
	vocabulary vocabulary
}

// received is the extension that marks an operation as Operation.Received.
const received = "x-efa-received"

func (l loader) operation(method, path string, op *openapi3.Operation) (*Operation, error) {
	at := pointer("paths", path, strings.ToLower(method))
	o := &Operation{ID: op.OperationID, Method: method, Path: path, Tags: slices.Clone(op.Tags), vocabulary: l.vocabulary}
	if given, ok := op.Extensions[received]; ok {
		if o.Received, ok = given.(bool); !ok {
			return nil, fmt.Errorf("%s/%s: want true or false", at, received)
		}
	}
	var err error
	if o.parameters, err = l.parameters(at, op.Parameters); err != nil {
		return nil, err
	}
	if o.body, err = l.body(at, op.RequestBody); err != nil {
		return nil, err
	}
	if o.responses, err = l.responses(at, op.Responses); err != nil {
		return nil, err
	}
	return o, nil
}

var (
	errParameter = errors.New("only single strings and integers in path and query are supported")
	errMedia     = errors.New("a body needs a media type and every media type a schema")
)

func (l loader) parameters(at string, refs openapi3.Parameters) ([]parameter, error) {
	var out []parameter
	for i, ref := range refs {
		p := ref.Value
		if (p.In != openapi3.ParameterInPath && p.In != openapi3.ParameterInQuery) || p.Schema == nil || p.Schema.Value == nil {
			return nil, fmt.Errorf("parameter %s: %w", p.Name, errParameter)
		}
		integer := p.Schema.Value.Type.Is(openapi3.TypeInteger)
		if !integer && !p.Schema.Value.Type.Is(openapi3.TypeString) {
			return nil, fmt.Errorf("parameter %s: %w", p.Name, errParameter)
		}
		schema, err := l.compile(target(ref.Ref, fmt.Sprintf("%s/parameters/%d", at, i)) + "/schema")
		if err != nil {
			return nil, err
		}
		out = append(out, parameter{name: p.Name, in: p.In, required: p.Required, integer: integer, schema: schema})
	}
	return out, nil
}

func (l loader) body(at string, ref *openapi3.RequestBodyRef) (*body, error) {
	if ref == nil {
		return nil, nil //nolint:nilnil // an operation without a body
	}
	schemas, err := l.media(target(ref.Ref, at+"/requestBody")+"/content", ref.Value.Content)
	if err != nil {
		return nil, err
	}
	if len(schemas) == 0 {
		return nil, errMedia
	}
	return &body{required: ref.Value.Required, media: schemas}, nil
}

func (l loader) responses(at string, refs *openapi3.Responses) (map[string]media, error) {
	out := map[string]media{}
	for status, ref := range refs.Map() {
		schemas, err := l.media(target(ref.Ref, at+"/responses/"+status)+"/content", ref.Value.Content)
		if err != nil {
			return nil, err
		}
		out[status] = schemas
	}
	return out, nil
}

func (l loader) media(at string, content openapi3.Content) (media, error) {
	out := media{}
	for name, m := range content {
		if m.Schema == nil {
			return nil, errMedia
		}
		if !isJSON(name) {
			out[name] = nil
			continue
		}
		schema, err := l.compile(at + pointer(name) + "/schema")
		if err != nil {
			return nil, err
		}
		out[name] = schema
	}
	return out, nil
}

func (l loader) compile(at string) (*jsonschema.Schema, error) {
	s, err := l.compiler.Compile(root + "#" + at)
	if err != nil {
		return nil, fmt.Errorf("compile schema %s: %w", at, err)
	}
	return s, nil
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}
