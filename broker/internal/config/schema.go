package config

import (
	"encoding/json"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
)

// durationPattern is what time.ParseDuration accepts, as far as a setting needs it.
const durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`

// Schema is the JSON Schema (2020-12) of a configuration file, for editors.
func Schema(p Program) ([]byte, error) {
	root := object("Configuration of " + p.Name)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	for _, s := range settingsOf(p.Settings) {
		parent := root
		parts := strings.Split(s.key, ".")
		for _, part := range parts[:len(parts)-1] {
			parent = child(parent, part)
		}
		properties := parent["properties"].(map[string]any) //nolint:forcetypeassert // object made it
		last := parts[len(parts)-1]
		properties[last] = s.schema()
		if s.secret {
			properties[last+fileSuffix] = map[string]any{"type": "string", "description": "File that holds " + s.key + ", mode 0600."}
		}
	}
	raw, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, contracts.Errorf(contracts.Internal, "derive configuration schema", "%w", err)
	}
	return append(raw, '\n'), nil
}

func object(description string) map[string]any {
	return map[string]any{
		"type": "object", "description": description, "additionalProperties": false, "properties": map[string]any{},
	}
}

func child(parent map[string]any, name string) map[string]any {
	properties := parent["properties"].(map[string]any) //nolint:forcetypeassert // object made it
	if found, ok := properties[name].(map[string]any); ok {
		return found
	}
	made := object("Settings of " + name)
	properties[name] = made
	return made
}

func (s setting) schema() map[string]any {
	out := map[string]any{"type": "string", "description": s.doc + " Defaults to " + s.defaults() + "."}
	switch s.kind() {
	case "boolean":
		out["type"] = "boolean"
		out["default"] = s.def == "true"
	case "integer":
		out["type"] = "integer"
		out["default"] = json.Number(s.def)
	case "duration":
		out["pattern"] = durationPattern
		out["default"] = s.def
	default:
		if s.def != "" {
			out["default"] = s.def
		}
	}
	if len(s.enum) > 0 {
		out["enum"] = s.enum
	}
	return out
}
