package process_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/contracts/process"
)

// The word for silence comes from the law record alone: the same step knows another one under another record.
func TestAConditionSeesWhatTheLawMakesOfSilence(t *testing.T) {
	t.Parallel()
	const src = `process: hearing
engine: 1
steps:
  - id: hear
    task: { role: previous, purpose: notice.forward, law: %s, start: receipt, outcomes: [agreed, objected] }
  - id: inform
    when: outcome.hear in ["agreed", "%s"]
    call: announce
    with: { purposes: [notice.inform] }
  - id: done
    end: closed
`
	for _, c := range []struct {
		law, word string
		known     bool
	}{
		{"baugb-36", "deemed_granted", true},
		{"baugb-36", "expired", false},
		{"baybo-65", "expired", true},
		{"baybo-65", "deemed_granted", false},
		{"gewo-15-1", "expired", false},
		{"gewo-15-1", "deemed_granted", false},
	} {
		d, err := process.Load(fmt.Appendf(nil, src, c.law, c.word), env())
		if !c.known {
			if err == nil {
				t.Errorf("%s: a condition may ask for %s", c.law, c.word)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.law, err)
			continue
		}
		for outcome, want := range map[string]bool{c.word: true, "agreed": true, "objected": false} {
			if got, err := d.When(1, nil, map[string]string{"hear": outcome}); err != nil || got != want {
				t.Errorf("%s after %s: %v, %v", c.law, outcome, got, err)
			}
		}
	}
	doc, hash, err := process.Resolve(fmt.Appendf(nil, src, "baugb-36", "deemed_granted"), env())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := process.Open(doc); err != nil {
		t.Errorf("the resolved document %s is not read back: %v", hash, err)
	}
	other, err := process.Open([]byte(strings.Replace(string(doc), "DEEMED_GRANTED", "DISREGARDABLE", 1)))
	if err == nil {
		t.Errorf("%s: a document whose law was exchanged is read", other.Hash())
	}
}
