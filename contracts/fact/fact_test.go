package fact_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/fact"
)

func declarations() map[string]fact.Declaration {
	return map[string]fact.Declaration{
		"register":       {Type: "enum", Values: []string{"commercial", "none"}},
		"foreign_trader": {Type: "boolean", Sensitive: true},
		"workers":        {Type: "integer", Minimum: 0, Maximum: 10},
		"broken":         {Type: "text"},
	}
}

func TestAFactMustFitItsDeclaration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values fact.Values
		ok     bool
	}{
		"nothing":             {nil, true},
		"all":                 {fact.Values{"register": "none", "foreign_trader": false, "workers": int64(10)}, true},
		"number through JSON": {fact.Values{"workers": 10.0}, true},
		"other word":          {fact.Values{"register": "cooperative"}, false},
		"empty word":          {fact.Values{"register": ""}, false},
		"bool for a word":     {fact.Values{"register": true}, false},
		"word for a bool":     {fact.Values{"foreign_trader": "true"}, false},
		"number for a bool":   {fact.Values{"foreign_trader": int64(1)}, false},
		"below":               {fact.Values{"workers": int64(-1)}, false},
		"above":               {fact.Values{"workers": int64(11)}, false},
		"above through JSON":  {fact.Values{"workers": 11.0}, false},
		"fraction":            {fact.Values{"workers": 1.5}, false},
		"plain int":           {fact.Values{"workers": 1}, false},
		"null":                {fact.Values{"register": nil}, false},
		"list":                {fact.Values{"register": []string{"none"}}, false},
		"undeclared":          {fact.Values{"name": "none"}, false},
		"unknown type":        {fact.Values{"broken": "none"}, false},
	} {
		if err := fact.Check(declarations(), c.values); (err == nil) != c.ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTheErrorNamesTheFactAndNotItsValue(t *testing.T) {
	t.Parallel()
	err := fact.Check(declarations(), fact.Values{"register": "Mustermann"})
	if err == nil || !strings.Contains(err.Error(), "register") || strings.Contains(err.Error(), "Mustermann") {
		t.Fatalf("got %v", err)
	}
}

func TestSensitiveFactsAreSplitOff(t *testing.T) {
	t.Parallel()
	open, sensitive := fact.Split(declarations(), fact.Values{"register": "none", "foreign_trader": true, "workers": int64(3)})
	if d := cmp.Diff(fact.Values{"register": "none", "workers": int64(3)}, open); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(fact.Values{"foreign_trader": true}, sensitive); d != "" {
		t.Error(d)
	}
}
