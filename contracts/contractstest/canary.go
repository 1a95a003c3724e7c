package contractstest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Canary returns a copy of app in which every free text is a canary: a value that is unique for ever, so that finding it
// anywhere outside sealed content is a leak. A text is free when the JSON Schema at its place allows the canary;
// enumerations, dates, postcodes and region keys stay as they are. E-mail and web addresses and phone numbers become
// canaries of their own form. The copy is valid where app was. Canary panics when schema is no JSON Schema, which is a
// fault of the test.
func Canary(app map[string]any, schema []byte, prefix string) (copied map[string]any, canaries []string) {
	c := &canary{prefix: prefix}
	var top rawSchema
	if err := json.Unmarshal(schema, &top); err != nil {
		panic(fmt.Sprintf("contractstest: canary: %v", err))
	}
	c.defs = top.Defs
	copied, _ = c.replace(app, schema).(map[string]any)
	return copied, c.made
}

type canary struct {
	prefix string
	defs   map[string]json.RawMessage
	made   []string
}

// rawSchema is the part of a JSON Schema that says which texts are free.
type rawSchema struct {
	Ref        string                     `json:"$ref"`
	Enum       []any                      `json:"enum"`
	Const      any                        `json:"const"`
	Format     string                     `json:"format"`
	Pattern    string                     `json:"pattern"`
	MaxLength  int                        `json:"maxLength"`
	Properties map[string]json.RawMessage `json:"properties"`
	Items      json.RawMessage            `json:"items"`
	Defs       map[string]json.RawMessage `json:"$defs"`
}

// resolve decodes a schema and lays it over the definition that it refers to.
func (c *canary) resolve(raw json.RawMessage) rawSchema {
	var own rawSchema
	if err := json.Unmarshal(raw, &own); err != nil || own.Ref == "" {
		return own // also the schemas true and false
	}
	merged := c.resolve(c.defs[strings.TrimPrefix(own.Ref, "#/$defs/")])
	if own.MaxLength > 0 {
		merged.MaxLength = own.MaxLength
	}
	if own.Pattern != "" {
		merged.Pattern = own.Pattern
	}
	return merged
}

func (c *canary) replace(v any, raw json.RawMessage) any {
	s := c.resolve(raw)
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, child := range x {
			out[name] = c.replace(child, s.Properties[name])
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = c.replace(item, s.Items)
		}
		return out
	case string:
		if text, ok := c.text(s); ok {
			c.made = append(c.made, text)
			return text
		}
	}
	return v
}

// text makes a canary that s allows.
func (c *canary) text(s rawSchema) (string, bool) {
	random := token()
	var candidates []string
	switch {
	case s.Enum != nil || s.Const != nil:
		return "", false
	case s.Format == "email":
		candidates = []string{"canary-" + strings.ToLower(c.prefix) + "-" + random + "@example.org"}
	case s.Format == "uri":
		candidates = []string{"https://canary-" + strings.ToLower(c.prefix) + "-" + random + ".example/"}
	case s.Format != "":
		return "", false
	default:
		candidates = []string{"CANARY-" + c.prefix + "-" + random, random, "+49" + digits(random)}
	}
	for _, text := range candidates {
		if s.allows(text) {
			return text, true
		}
	}
	return "", false
}

func (s rawSchema) allows(text string) bool {
	if s.MaxLength > 0 && utf8.RuneCountInString(text) > s.MaxLength {
		return false
	}
	return s.Pattern == "" || regexp.MustCompile(s.Pattern).MatchString(text)
}

// token is 64 random bits in hex.
func token() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// digits turns hex digits into decimal ones; 16 of them still tell canaries apart.
func digits(random string) string {
	return strings.Map(func(r rune) rune {
		if r > '9' {
			return r - 'a' + '0'
		}
		return r
	}, random)
}
