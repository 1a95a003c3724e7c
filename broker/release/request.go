package release

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// maxFields is the largest number of fields in one request.
const maxFields = 500

var (
	fieldPattern   = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}\.[0-9]{1,4}$`)
	purposePattern = regexp.MustCompile(`^[a-z][a-z0-9_.]{0,59}$`)
	basisPattern   = regexp.MustCompile(`^eu-gdpr:A6-1-[ace]$`)
)

// checkRequest reports everything about a request that is wrong whatever it refers to, so that the answer tells nothing
// about the content. Field ids are opaque: no groups, no wildcards, no sub-paths, and nothing widens a request.
func checkRequest(req FetchRequest) error {
	var problems []contracts.Problem
	add := func(pointer, detail string) {
		problems = append(problems, contracts.Problem{Pointer: pointer, Detail: detail})
	}
	switch {
	case len(req.Fields) == 0:
		add("/fields", "name at least one field; nothing is delivered that was not asked for")
	case len(req.Fields) > maxFields:
		add("/fields", "name at most 500 fields")
	default:
		for i, name := range req.Fields {
			switch {
			case !fieldPattern.MatchString(name):
				add("/fields/"+strconv.Itoa(i), "want a field id like gewa1.13; groups, wildcards and sub-paths do not exist")
			case slices.Index(req.Fields, name) < i:
				add("/fields/"+strconv.Itoa(i), "the field was named before")
			}
		}
	}
	if !purposePattern.MatchString(req.Purpose) {
		add("/purpose", "want the code of a purpose, for example notice.inform")
	}
	if !basisPattern.MatchString(req.Basis) {
		add("/basis", "want the code of a legal basis: eu-gdpr:A6-1-a, -c or -e")
	}
	return invalid(problems)
}

// checkFields reports the fields that the form does not have. Only who takes part in the case is told; for everybody
// else the request goes on to its refusal.
func checkFields(fields []string, form []law.FormField) error {
	var problems []contracts.Problem
	for i, name := range fields {
		if !slices.ContainsFunc(form, func(f law.FormField) bool { return f.ID == name }) {
			problems = append(problems, contracts.Problem{Pointer: "/fields/" + strconv.Itoa(i), Detail: "the form has no such field"})
		}
	}
	return invalid(problems)
}

func invalid(problems []contracts.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &contracts.Error{Kind: contracts.Invalid, Op: "check request", Problems: problems}
}
