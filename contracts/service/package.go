package service

import (
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Ways in which a case of a service is opened.
const (
	// ByApplication is a case that an applicant opens.
	ByApplication = "application"
	// ByForwardedNotice is a case that only an authority opens, by completing a task with a forwarded notice.
	ByForwardedNotice = "forwarded_notice"
)

// Package is one service package, checked. It is immutable and safe for concurrent use; callers do not change its maps
// and slices.
type Package struct {
	Service key.ServiceKey
	// Form is the form whose field numbers the application uses, lower case: "gewa1".
	Form string
	// Name is the service's name for people by language: "de", "en".
	Name      map[string]string
	Procedure procedure.Kind
	// ValidFrom is the day (RFC 3339 date) from which the package applies; its law records are those of that day.
	ValidFrom string
	// OpenedBy is ByApplication or ByForwardedNotice.
	OpenedBy string
	// Retention says how long the content of a case must be kept.
	Retention Retention
	// Roles are the roles of the process in the order of the package; Lead is among them.
	Roles []authority.Role
	// Kinds says for each role which kind of authority can hold it.
	Kinds map[authority.Role]authority.Kind
	// Facts are the facts that Derive yields.
	Facts map[string]fact.Declaration
	// OutcomeFacts are the facts that come with the outcome of a task.
	OutcomeFacts map[string]fact.Declaration
	// Schema is the application's JSON Schema 2020-12.
	Schema []byte
	// Process is process.yaml as it was written.
	Process []byte
	// Document is the resolved process document and Definition its SHA-256, 64 hex digits.
	Document   []byte
	Definition string
	// Rules is what a case lives by, to be kept under Hash: manifest, schema and process. Open reads it back.
	Rules []byte
	// Hash is the SHA-256 of Rules, 64 hex digits. A new text or example does not change it.
	Hash string
	// Texts are the texts for people by language: "de", "en".
	Texts map[string]Texts
	// Examples are example applications by file name.
	Examples map[string][]byte

	form     form
	derive   []derivation
	place    string
	regions  []regionRule
	subjects []subjectRule
	schema   *jsonschema.Schema
}

// Texts are the texts of a package in one language.
type Texts struct {
	Title   string `json:"title"`
	Summary string `json:"summary"`
	// Fields maps a field id ("gewa1.13") to its label.
	Fields map[string]string `json:"fields"`
	// Values maps the path of a coded property ("business.legal_form") to the labels of its codes.
	Values map[string]map[string]string `json:"values"`
}
