package config

import (
	"io"
	"strconv"
	"strings"
)

// hidden stands for a secret that is set.
const hidden = "(hidden)"

// Value is one effective value.
type Value struct {
	Key string `json:"key"`
	// Value is what applies; a secret is hidden.
	Value string `json:"value"`
	// Origin is the layer that set it.
	Origin string `json:"origin"`
	bare   bool   // no text in YAML
}

// Effective lists what applies, in the order of the reference, secrets hidden.
func Effective(cfg Settings, origins Origins) []Value {
	var out []Value
	for _, s := range settingsOf(cfg) {
		v := Value{Key: s.key, Value: s.text(), Origin: origins[s.key], bare: s.kind() == "boolean" || s.kind() == "integer"}
		if s.secret && v.Value != "" {
			v.Value = hidden
		}
		if v.Origin == "" {
			v.Origin = "default"
		}
		out = append(out, v)
	}
	return out
}

// WriteYAML writes values as a configuration file that says where each comes from.
func WriteYAML(w io.Writer, effective []Value) error {
	var b strings.Builder
	section := ""
	for _, v := range effective {
		name, indent := v.Key, ""
		if parent, leaf, ok := strings.Cut(v.Key, "."); ok {
			if parent != section {
				b.WriteString(parent + ":\n")
				section = parent
			}
			name, indent = leaf, "  "
		}
		value := strconv.Quote(v.Value)
		if v.bare {
			value = v.Value
		}
		b.WriteString(indent + name + ": " + value + " # " + v.Origin + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
