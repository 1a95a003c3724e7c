package law

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts/key"
)

// entry is one line of the statutory matrix.
type entry struct {
	form, number string
	// mode is "all_except", "only" or "none"; fields are the numbers that it names.
	mode       string
	fields     []string
	conditions []string
	norm, mark string
}

// matrix is matrix.yaml: the columns that the statutory matrix lacks.
type matrix struct {
	Mark            string                    `yaml:"mark"`
	Jurisdiction    string                    `yaml:"jurisdiction"`
	Begins          time.Time                 `yaml:"begins"`
	Ends            time.Time                 `yaml:"ends"`
	Basis           string                    `yaml:"basis"`
	Retain          string                    `yaml:"retain"`
	Forms           map[string]key.ServiceKey `yaml:"forms"`
	WithheldGroups  []string                  `yaml:"withheld_groups"`
	Conditions      map[string]map[string]any `yaml:"conditions"`
	AddedConditions map[string]map[string]any `yaml:"added_conditions"`
	DefaultPurpose  string                    `yaml:"default_purpose"`
	Purposes        map[string]string         `yaml:"purposes"`
	Rows            []struct {
		Form   string `yaml:"form"`
		Number string `yaml:"recipient_no"`
		Norm   string `yaml:"norm"`
	} `yaml:"rows"`
}

// readMatrix reads matrix.yaml and checks that no column is missing.
func (s source) readMatrix() (matrix, error) {
	var m matrix
	if err := s.readYAML("matrix.yaml", &m); err != nil {
		return matrix{}, err
	}
	for column, value := range map[string]string{
		"mark": m.Mark, "jurisdiction": m.Jurisdiction, "basis": m.Basis, "retain": m.Retain, "default_purpose": m.DefaultPurpose,
	} {
		if value == "" {
			return matrix{}, fmt.Errorf("matrix.yaml: %s is required", column)
		}
	}
	if m.Begins.IsZero() {
		return matrix{}, errors.New("matrix.yaml: begins is required")
	}
	return m, nil
}

// readEntries reads the statutory matrix and appends the rows that stand in no list.
func (s source) readEntries(m matrix) ([]entry, error) {
	records, err := s.readTable("gewanzv_recipients.csv",
		"form", "recipient_no", "recipient_de", "recipient_en", "mode", "fields", "condition", "norm", "mark")
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, r := range records {
		e := entry{
			form: r["form"], number: r["recipient_no"], mode: r["mode"], fields: strings.Fields(r["fields"]),
			norm: r["norm"], mark: r["mark"],
		}
		if r["condition"] != "" {
			e.conditions = strings.Split(r["condition"], ";")
		}
		out = append(out, e)
	}
	for _, r := range m.Rows {
		out = append(out, entry{form: r.Form, number: r.Number, mode: "all_except", norm: r.Norm, mark: m.Mark})
	}
	return out, nil
}

// expand turns the entry's mode and numbers into the positive list of fields, against the closed list of the form. It
// refuses a number that the form lacks or that is named twice. "none" expands to nothing.
func (e entry) expand(form []FormField) ([]FormField, error) {
	named := map[string]bool{}
	for _, n := range e.fields {
		if !slices.ContainsFunc(form, func(f FormField) bool { return f.Number == n }) {
			return nil, fmt.Errorf("field %s: the form has no such field", n)
		}
		if named[n] {
			return nil, fmt.Errorf("field %s: named twice", n)
		}
		named[n] = true
	}
	switch e.mode {
	case "only":
		return slices.DeleteFunc(slices.Clone(form), func(f FormField) bool { return !named[f.Number] }), nil
	case "all_except":
		return slices.DeleteFunc(slices.Clone(form), func(f FormField) bool { return named[f.Number] }), nil
	case "none":
		if len(named) > 0 {
			return nil, errors.New("mode none names fields")
		}
		return nil, nil
	}
	return nil, fmt.Errorf("mode %q: want all_except, only or none", e.mode)
}

// conditionsOf maps the entry's conditions to facts.
func (m matrix) conditionsOf(e entry) (map[string]any, error) {
	facts := map[string]any{}
	for _, name := range e.conditions {
		c, ok := m.Conditions[name]
		if !ok {
			return nil, fmt.Errorf("condition %q is not known", name)
		}
		maps.Copy(facts, c)
	}
	maps.Copy(facts, m.AddedConditions[e.number])
	return facts, nil
}
