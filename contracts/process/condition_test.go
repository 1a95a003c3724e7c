package process_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/process"
)

// conditional is a definition whose last but one step has the condition; optional may be absent, certain may not.
const conditional = `process: conditional
engine: 1
steps:
  - id: certain
    task: { role: lead, purpose: notice.register, law: gewo-15-1, start: receipt, outcomes: [registered, refused], outcome_facts: [indications_of_violation] }
  - id: optional
    when: facts.full_move
    task: { role: lead, purpose: notice.register, law: gewo-15-1, start: receipt, outcomes: [granted, denied] }
  - id: tested
    when: >-
      %s
    end: closed
  - id: done
    end: closed
`

const tested = 2

func load(t *testing.T, condition string) *process.Definition {
	t.Helper()
	d, err := process.Load(fmt.Appendf(nil, conditional, condition), env())
	if err != nil {
		t.Fatalf("Load(%s): %v", condition, err)
	}
	return d
}

func TestWhenDecidesOverFactsAndOutcomes(t *testing.T) {
	t.Parallel()
	moved := fact.Values{"full_move": true, "register": "commercial", "staff": int64(12)}
	both := map[string]string{"certain": "registered", "optional": "granted"}
	one := map[string]string{"certain": "refused"}
	cases := []struct {
		condition string
		facts     fact.Values
		outcomes  map[string]string
		want      bool
	}{
		{`facts.full_move`, moved, both, true},
		{`!facts.full_move`, moved, both, false},
		{`facts.register in ["commercial", "cooperative"]`, moved, both, true},
		{`facts.register == "none"`, moved, both, false},
		{`facts.staff > 10`, moved, both, true},
		{`facts.staff > 10`, fact.Values{"staff": float64(11)}, both, true},
		{`outcome.certain == "registered"`, moved, both, true},
		{`outcome.certain == "registered"`, moved, one, false},
		{`has(outcome.optional) && outcome.optional == "granted"`, moved, both, true},
		{`has(outcome.optional) && outcome.optional == "granted"`, moved, one, false},
		{`outcome.optional == "granted" && has(outcome.optional)`, moved, one, false},
		{`!has(outcome.optional) || outcome.optional == "granted"`, moved, one, true},
		{`!(has(outcome.optional) && facts.full_move) || facts.full_move`, moved, one, true},
		{`has(outcome.optional) ? outcome.optional == "denied" : facts.full_move`, moved, one, true},
		{`has(facts.indications_of_violation) && facts.indications_of_violation`, moved, both, false},
		{`has(facts.indications_of_violation) && facts.indications_of_violation`, fact.Values{"indications_of_violation": true}, both, true},
	}
	for _, c := range cases {
		t.Run(c.condition, func(t *testing.T) {
			t.Parallel()
			got, err := load(t, c.condition).When(tested, c.facts, c.outcomes)
			if err != nil || got != c.want {
				t.Errorf("When() = %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestWhenIsAlwaysTrueWithoutACondition(t *testing.T) {
	t.Parallel()
	d := load(t, "facts.full_move")
	if ok, err := d.When(0, nil, nil); err != nil || !ok {
		t.Errorf("When() = %v, %v; want true", ok, err)
	}
}

func TestWhenFailsWithoutNamingAValue(t *testing.T) {
	t.Parallel()
	const canary = "canary-4711"
	cases := map[string]struct {
		condition string
		step      int
		facts     fact.Values
	}{
		"a fact that intake did not derive": {`facts.full_move`, tested, nil},
		"a fact of another type":            {`facts.full_move`, tested, fact.Values{"full_move": canary}},
		"an integer with a fraction":        {`facts.staff > 1`, tested, fact.Values{"staff": 1.5}},
		"an expression above its cost":      {`"` + strings.Repeat("a", 900) + `".matches("` + strings.Repeat("a", 900) + `")`, tested, nil},
		"a step that does not exist":        {`facts.full_move`, 17, nil},
		"a step before the first":           {`facts.full_move`, -1, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ok, err := load(t, c.condition).When(c.step, c.facts, nil)
			if contracts.KindOf(err) != contracts.Internal || err == nil || ok {
				t.Fatalf("When() = %v, %v; want an Internal error", ok, err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error names a value: %v", err)
			}
		})
	}
}
