package fact

import (
	"fmt"
	"slices"
)

// Declaration declares one fact of a service package.
type Declaration struct {
	// Type is "boolean", "enum" or "integer".
	Type string `yaml:"type" json:"type"`
	// Values are the allowed words of an enum.
	Values []string `yaml:"values,omitempty" json:"values,omitempty"`
	// Minimum and Maximum bound an integer, both inclusive.
	Minimum int64 `yaml:"minimum,omitempty" json:"minimum,omitempty"`
	Maximum int64 `yaml:"maximum,omitempty" json:"maximum,omitempty"`
	// Sensitive facts stay in the vault and appear in no event.
	Sensitive bool `yaml:"sensitive,omitempty" json:"sensitive,omitempty"`
}

// Values maps fact names to a bool, a string of the enumeration or an int64.
type Values map[string]any

// Check reports the first fact of v that is undeclared or outside its declaration.
func Check(decls map[string]Declaration, v Values) error {
	for name, value := range v {
		d, ok := decls[name]
		if !ok {
			return fmt.Errorf("fact %s is not declared", name)
		}
		if !d.allows(value) {
			return fmt.Errorf("fact %s: value is outside its declaration (%s)", name, d.Type)
		}
	}
	return nil
}

func (d Declaration) allows(value any) bool {
	switch x := value.(type) {
	case bool:
		return d.Type == "boolean"
	case string:
		return d.Type == "enum" && slices.Contains(d.Values, x)
	case int64:
		return d.Type == "integer" && x >= d.Minimum && x <= d.Maximum
	case float64: // a number that came through JSON
		return d.Type == "integer" && x == float64(int64(x)) && d.allows(int64(x))
	}
	return false
}

// Split separates v into the facts that may stand in an event and those that must stay in the vault.
func Split(decls map[string]Declaration, v Values) (open, sensitive Values) {
	open, sensitive = Values{}, Values{}
	for name, value := range v {
		if decls[name].Sensitive {
			sensitive[name] = value
		} else {
			open[name] = value
		}
	}
	return open, sensitive
}
