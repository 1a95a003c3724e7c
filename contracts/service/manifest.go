package service

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// manifest is service.yaml.
type manifest struct {
	Service      key.ServiceKey              `yaml:"service"`
	Form         string                      `yaml:"form"`
	Procedure    procedure.Kind              `yaml:"procedure"`
	ValidFrom    string                      `yaml:"valid_from"`
	OpenedBy     string                      `yaml:"opened_by"`
	Retention    Retention                   `yaml:"retention"`
	Roles        []roleEntry                 `yaml:"roles"`
	Facts        map[string]fact.Declaration `yaml:"facts"`
	OutcomeFacts map[string]fact.Declaration `yaml:"outcome_facts"`
	Derive       []derivation                `yaml:"derive"`
	Place        string                      `yaml:"place"`
	Regions      []regionRule                `yaml:"regions"`
	Subjects     []subjectRule               `yaml:"subjects"`
}

type roleEntry struct {
	Role authority.Role `yaml:"role"`
	Kind authority.Kind `yaml:"kind"`
}

// readManifest decodes exactly one YAML document without unknown or repeated members.
func readManifest(raw []byte) (manifest, error) {
	var m manifest
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil {
		return manifest{}, fmt.Errorf("service.yaml: %w", err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return manifest{}, errors.New("service.yaml: more than one document")
	}
	return m, nil
}

// check reports every fault that shows without the schema.
func (m manifest) check() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf("service.yaml: "+format, args...)) }
	if _, err := key.ParseServiceKey(string(m.Service)); err != nil {
		refuse("service: %w", err)
	}
	if !formPattern.MatchString(m.Form) {
		refuse("form: want lower-case letters and digits, a letter first")
	}
	if m.Procedure != procedure.Notification {
		refuse("procedure: want %q", procedure.Notification)
	}
	if _, err := time.Parse(time.DateOnly, m.ValidFrom); err != nil {
		refuse("valid_from: want a date")
	}
	if !strings.HasPrefix(m.Place, "/") {
		refuse("place: want the pointer of the region key of the place for which the application is filed")
	}
	if m.OpenedBy != ByApplication && m.OpenedBy != ByForwardedNotice {
		refuse("opened_by: want %q or %q", ByApplication, ByForwardedNotice)
	}
	return errors.Join(append(errs, m.Retention.check(), m.checkRoles(), m.checkFacts())...)
}

func (m manifest) checkRoles() error {
	var errs []error
	seen := map[authority.Role]bool{}
	for i, r := range m.Roles {
		if r.Role == "" || r.Kind == "" || seen[r.Role] {
			errs = append(errs, fmt.Errorf("service.yaml: roles/%d: want a role that is not listed yet, and its kind", i))
		}
		seen[r.Role] = true
	}
	if !seen[authority.Lead] {
		errs = append(errs, fmt.Errorf("service.yaml: roles: %q is missing", authority.Lead))
	}
	for i, r := range m.Regions {
		if !seen[r.Role] {
			errs = append(errs, fmt.Errorf("service.yaml: regions/%d: role %q is not declared", i, r.Role))
		}
		if m.Facts[r.When].Type != "boolean" {
			errs = append(errs, fmt.Errorf("service.yaml: regions/%d: when: %q is no boolean fact", i, r.When))
		}
	}
	return errors.Join(errs...)
}

// checkFacts demands that each fact is derived exactly once and none comes with an outcome too.
func (m manifest) checkFacts() error {
	var errs []error
	derived := map[string]int{}
	for _, d := range m.Derive {
		derived[d.Fact]++
	}
	for name, decl := range m.Facts {
		if !factPattern.MatchString(name) || derived[name] != 1 {
			errs = append(errs, fmt.Errorf("service.yaml: facts/%s: want a lower-case name that is derived exactly once", name))
		}
		if err := checkDeclaration(decl); err != nil {
			errs = append(errs, fmt.Errorf("service.yaml: facts/%s: %w", name, err))
		}
	}
	for name, decl := range m.OutcomeFacts {
		if _, both := m.Facts[name]; both || decl.Sensitive || derived[name] > 0 {
			errs = append(errs, fmt.Errorf("service.yaml: outcome_facts/%s: comes with an outcome only and is not sensitive", name))
		}
		if err := checkDeclaration(decl); err != nil {
			errs = append(errs, fmt.Errorf("service.yaml: outcome_facts/%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func checkDeclaration(d fact.Declaration) error {
	switch d.Type {
	case "boolean":
		return nil
	case "enum":
		if len(d.Values) > 0 {
			return nil
		}
		return errors.New("an enum needs values")
	case "integer":
		if d.Minimum <= d.Maximum {
			return nil
		}
		return errors.New("minimum is above maximum")
	}
	return fmt.Errorf("type %q is none of boolean, enum, integer", d.Type)
}
