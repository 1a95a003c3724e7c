package config

import (
	"reflect"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// Settings is a configuration struct: *Client, *Standalone or *Provider.
type Settings interface {
	// Validate reports every fault.
	Validate() []contracts.Problem
}

// setting is one field as its tags describe it.
type setting struct {
	// key is the dotted key: "log.level".
	key      string
	doc      string
	def      string
	fallback string
	enum     []string
	secret   bool
	value    reflect.Value
}

// prefix begins every environment variable.
const prefix = "EFA_"

func (s setting) env() string { return prefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_")) }

func (s setting) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.key) }

// summary is the first sentence of the meaning, without its full stop.
func (s setting) summary() string {
	first, _, _ := strings.Cut(s.doc, ". ")
	return strings.TrimSuffix(first, ".")
}

// defaults says what applies when nothing is set.
func (s setting) defaults() string {
	if s.fallback != "" {
		return s.fallback
	}
	return s.def
}

// kind is the word for the type in the reference and the schema.
func (s setting) kind() string {
	switch {
	case s.value.Type() == reflect.TypeFor[time.Duration]():
		return "duration"
	case s.value.Kind() == reflect.Bool:
		return "boolean"
	case s.value.Kind() == reflect.Int64:
		return "integer"
	}
	return "string"
}

// settingsOf lists the fields of a configuration struct in their order.
func settingsOf(cfg Settings) []setting { return walk(reflect.ValueOf(cfg).Elem(), "") }

func walk(v reflect.Value, path string) []setting {
	var out []setting
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		s := setting{
			key: path + tag.Get("key"), doc: tag.Get("doc"), def: tag.Get("default"), fallback: tag.Get("fallback"),
			secret: tag.Get("secret") == "true", value: v.Field(i),
		}
		if v.Field(i).Kind() == reflect.Struct {
			out = append(out, walk(v.Field(i), s.key+".")...)
			continue
		}
		if e := tag.Get("enum"); e != "" {
			s.enum = strings.Split(e, ",")
		}
		out = append(out, s)
	}
	return out
}
