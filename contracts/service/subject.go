package service

import (
	"fmt"
	"slices"
)

// Roles of a person in a case.
const (
	Applicant      = "applicant"
	Representative = "representative"
	ThirdPerson    = "third_person"
)

// Subject is a person whom the application names. It holds personal data and goes to the vault only.
type Subject struct {
	// Role is Applicant, Representative or ThirdPerson.
	Role string
	// Attributes identify the person: family_name, given_names, birth_name, birth_date.
	Attributes map[string]string
}

// subjectRule says where the application names a person.
type subjectRule struct {
	Role string `yaml:"role"`
	// Each is the pointer of a list with one person per item; empty for a single person.
	Each string `yaml:"each"`
	// Attributes maps an attribute to the pointer of its property, from the item or from the top.
	Attributes map[string]string `yaml:"attributes"`
}

func (r subjectRule) check(root *node) error {
	if !slices.Contains([]string{Applicant, Representative, ThirdPerson}, r.Role) {
		return fmt.Errorf("role %q is none of applicant, representative, third_person", r.Role)
	}
	if r.Each != "" {
		list := root.at(r.Each)
		if list == nil || list.items == nil {
			return fmt.Errorf("pointer %q names no list of the application", r.Each)
		}
		root = list.items
	}
	for name, pointer := range r.Attributes {
		if n := root.at(pointer); n == nil || n.properties != nil || n.items != nil {
			return fmt.Errorf("attribute %s: pointer %q names no single property", name, pointer)
		}
	}
	return nil
}

// Subjects lists the persons of a validated application, in the order of the package's rules and of their lists. An
// attribute that the application lacks is absent; a person without any is left out.
func (p Package) Subjects(app map[string]any) []Subject {
	var out []Subject
	for _, r := range p.subjects {
		for _, person := range r.people(app) {
			s := Subject{Role: r.Role, Attributes: map[string]string{}}
			for name, pointer := range r.Attributes {
				v, _ := lookup(person, pointer)
				if text, ok := v.(string); ok {
					s.Attributes[name] = text
				}
			}
			if len(s.Attributes) > 0 {
				out = append(out, s)
			}
		}
	}
	return out
}

func (r subjectRule) people(app map[string]any) []any {
	if r.Each == "" {
		return []any{app}
	}
	v, _ := lookup(app, r.Each)
	list, _ := v.([]any)
	return list
}
