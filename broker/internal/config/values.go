package config

import "strings"

// values are dotted keys with their values, as a koanf layer.
type values map[string]any

// Read implements koanf.Provider.
func (v values) Read() (map[string]any, error) { return nest(v), nil }

// ReadBytes implements koanf.Provider; there are no bytes.
func (values) ReadBytes() ([]byte, error) { return nil, errNoBytes }

// nest turns dotted keys into nested maps.
func nest(flat map[string]any) map[string]any {
	out := map[string]any{}
	for key, v := range flat {
		m := out
		parts := strings.Split(key, ".")
		for _, p := range parts[:len(parts)-1] {
			next, ok := m[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				m[p] = next
			}
			m = next
		}
		m[parts[len(parts)-1]] = v
	}
	return out
}
