package openapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/efa-broker/efa-broker/contracts"
)

// Operation is one operation of the document.
type Operation struct {
	// ID is the operationId, the name of the operation in the audit log.
	ID string
	// Method is the HTTP method, upper case.
	Method string
	// Path is the template, with parameters in braces.
	Path string
	// Tags are the document's tags; one tag is one domain.
	Tags []string
	// Received says that what the request brings counts by its time of receipt (x-efa-received): an answer, or a submission,
	// which may be one.
	Received bool

	parameters []parameter
	body       *body
	responses  map[string]media
	vocabulary vocabulary
}

type parameter struct {
	name, in          string
	required, integer bool
	schema            *jsonschema.Schema
}

type body struct {
	required bool
	media    media
}

// media maps a media type to its compiled schema; nil for a document that is no JSON.
type media map[string]*jsonschema.Schema

// Pattern is the operation as a pattern of http.ServeMux.
func (o *Operation) Pattern() string { return o.Method + " " + o.Path }

// TakesBody reports whether the operation has a request body, and whether it must be there.
func (o *Operation) TakesBody() (takes, required bool) {
	if o.body == nil {
		return false, false
	}
	return true, o.body.required
}

// BodyMedia lists the media types of the request body, sorted.
func (o *Operation) BodyMedia() []string {
	if o.body == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(o.body.media))
}

// CheckBody checks a decoded body (json.Number for numbers) of a JSON media type. It returns nil for a media type
// without schema.
func (o *Operation) CheckBody(mediaType string, value any) []contracts.Problem {
	if o.body == nil || o.body.media[mediaType] == nil {
		return nil
	}
	return o.problems(o.body.media[mediaType].Validate(value))
}

// CheckParameters checks path and query of a request that a ServeMux has matched to Pattern. Query parameters that the
// operation does not have, or that stand twice, are faults: a misspelt filter must not return everything.
func (o *Operation) CheckParameters(r *http.Request) []contracts.Problem {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return []contracts.Problem{{Pointer: "query", Detail: "the query is not properly encoded"}}
	}
	var out []contracts.Problem
	for _, p := range o.parameters {
		values := query[p.name]
		if p.in == "path" {
			values = []string{r.PathValue(p.name)}
		}
		out = append(out, o.checkParameter(p, values)...)
	}
	if unknown := o.unknownParameters(query); unknown > 0 {
		out = append(out, contracts.Problem{Pointer: "query", Detail: strconv.Itoa(unknown) + " unknown parameter(s); known are: " + list(o.queryNames())})
	}
	return out
}

func (o *Operation) checkParameter(p parameter, values []string) []contracts.Problem {
	switch {
	case len(values) == 0 && p.required:
		return []contracts.Problem{{Pointer: p.name, Detail: "the parameter is required"}}
	case len(values) == 0:
		return nil
	case len(values) > 1:
		return []contracts.Problem{{Pointer: p.name, Detail: "the parameter stands more than once"}}
	}
	if !plain(values[0]) {
		return []contracts.Problem{{Pointer: p.name, Detail: "must be UTF-8 without control characters"}}
	}
	var value any = values[0]
	if p.integer {
		if _, err := strconv.ParseInt(values[0], 10, 64); err != nil {
			return []contracts.Problem{{Pointer: p.name, Detail: "must be an integer"}}
		}
		value = json.Number(values[0])
	}
	out := o.problems(p.schema.Validate(value))
	for i := range out {
		out[i].Pointer = p.name
	}
	return out
}

// plain reports whether a value can be stored and logged as text: PostgreSQL refuses U+0000 and bytes that are not UTF-8,
// and no id or cursor needs a control character.
func plain(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsFunc(value, unicode.IsControl)
}

func (o *Operation) queryNames() []string {
	var names []string
	for _, p := range o.parameters {
		if p.in == "query" {
			names = append(names, p.name)
		}
	}
	return names
}

func (o *Operation) unknownParameters(query url.Values) int {
	unknown := 0
	names := o.queryNames()
	for name := range query {
		if !slices.Contains(names, name) {
			unknown++
		}
	}
	return unknown
}
