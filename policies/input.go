package policies

import (
	"fmt"
	"regexp"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// maxFields bounds the fields of one request.
const maxFields = 500

// The forms of what may stand in an input. They leave no room for content: every text is a code, a key or an id.
var (
	codePattern    = regexp.MustCompile(`^[a-z][a-z0-9._-]{0,63}$`)
	stepPattern    = regexp.MustCompile(`^[a-z][a-z0-9._/-]{0,127}$`)
	fieldPattern   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}\.[0-9]{1,4}[a-z]?$`)
	hashPattern    = regexp.MustCompile(`^sha256:[0-9a-f]{1,64}$`)
	basisPattern   = regexp.MustCompile(`^eu-gdpr:A6-1-[ace]$`)
	countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)
)

// checkInput reports every member of in that breaks the closed form, as one Invalid error. It never repeats a value.
func checkInput(in decision.Input) error {
	var problems []contracts.Problem
	want := func(ok bool, pointer, detail string) {
		if !ok {
			problems = append(problems, contracts.Problem{Pointer: pointer, Detail: detail})
		}
	}
	now, err := time.Parse(instant, in.Now)
	want(err == nil && now.Format(instant) == in.Now, "/now", "want an instant in whole seconds, UTC")
	want(in.Stage == decision.Abstract || in.Stage == decision.Concrete, "/stage", "want abstract or concrete")
	_, err = key.ParseServiceKey(string(in.Service))
	want(err == nil, "/service", "want a service key")
	want(hashPattern.MatchString(in.Package), "/package", "want sha256: and the hash of the service package")
	want(stepPattern.MatchString(in.Step), "/step", "want the id of a step")
	want(codePattern.MatchString(in.Purpose), "/purpose", "want the code of a purpose")
	want(basisPattern.MatchString(in.Basis), "/basis", "want eu-gdpr:A6-1-a, -c or -e")
	checkParty(in.Sender, "/sender", want)
	checkParty(in.Recipient, "/recipient", want)
	checkFields(in.Fields, want)
	checkFacts(in.Facts, want)
	if len(problems) == 0 {
		return nil
	}
	return &contracts.Error{Kind: contracts.Invalid, Op: "decide disclosure", Problems: problems}
}

func checkParty(p decision.Party, at string, want func(bool, string, string)) {
	_, err := authority.ParseID(string(p.Authority))
	want(err == nil, at+"/authority", "want the id of an authority")
	want(codePattern.MatchString(string(p.Tenant)), at+"/tenant", "want the id of a tenant")
	want(codePattern.MatchString(string(p.Kind)), at+"/kind", "want a kind of office")
	want(codePattern.MatchString(string(p.Role)), at+"/role", `want a role; "none" for an office without one`)
	want(countryPattern.MatchString(p.Country), at+"/country", "want an ISO 3166 code of two letters")
}

func checkFields(fields []string, want func(bool, string, string)) {
	want(len(fields) > 0 && len(fields) <= maxFields, "/fields", "want 1 to 500 field ids")
	seen := make(map[string]bool, len(fields))
	for i, id := range fields {
		want(fieldPattern.MatchString(id), fmt.Sprintf("/fields/%d", i), "want a field id such as gewa1.13")
		want(!seen[id], fmt.Sprintf("/fields/%d", i), "the field is asked for twice")
		seen[id] = true
	}
}

func checkFacts(facts map[string]any, want func(bool, string, string)) {
	want(facts != nil, "/facts", "want an object, empty when there are no facts")
	for name, value := range facts {
		if !codePattern.MatchString(name) {
			want(false, "/facts", "want the declared name of a fact")
			continue
		}
		want(scalar(value), "/facts/"+name, "want true or false, a word of an enumeration or a whole number")
	}
}

// scalar reports whether value may stand as a fact.
func scalar(value any) bool {
	switch x := value.(type) {
	case bool, int, int64:
		return true
	case float64: // a number that came through JSON
		return x == float64(int64(x))
	case string:
		return codePattern.MatchString(x)
	}
	return false
}
