package permit

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/workflows/workflowtest"
)

// TestEachActivityCallMayFailOnce fails every call of a move in turn, before it has an effect and after it.
func TestEachActivityCallMayFailOnce(t *testing.T) {
	t.Parallel()
	count := &workflowtest.Fault{}
	whole := moving(t, count)
	whole.office()
	whole.mustRun(t)
	if count.Calls() != 7 { // load, events, five commands
		t.Fatalf("a move takes %d activity calls, want 7", count.Calls())
	}
	for n := int64(1); n <= count.Calls(); n++ {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("call %d, answer lost %v", n, lost), func(t *testing.T) {
				t.Parallel()
				fault := &workflowtest.Fault{N: n, Lost: lost}
				b := moving(t, fault)
				b.office()
				b.mustRun(t)
				if fault.Calls() != count.Calls()+1 {
					t.Errorf("%d calls, want one more than %d", fault.Calls(), count.Calls())
				}
				if diff := cmp.Diff(whole.ledger.Effects(caseID), b.ledger.Effects(caseID)); diff != "" {
					t.Errorf("effects (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestEveryDefinitionOfTheTestsResolves(t *testing.T) {
	t.Parallel()
	for _, src := range []string{workflowtest.Registration, workflowtest.Deregistration, workflowtest.Permit, earlyOutcome} {
		ledger, definitions, start := submitted(t, src, fact.Values{})
		if definitions[start.Definition] == nil || len(way(ledger)) != 0 {
			t.Errorf("definition %s was not resolved", start.Definition)
		}
	}
}
