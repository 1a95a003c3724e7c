package workflowtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/process"
)

// Definitions is a source of definitions by hash.
type Definitions map[string][]byte

// Definition implements permit.Source.
func (d Definitions) Definition(_ context.Context, hash string) ([]byte, error) {
	if doc, ok := d[hash]; ok {
		return doc, nil
	}
	return nil, contracts.Errorf(contracts.NotFound, "read definition", "no such row")
}

// Add resolves a definition over the vocabulary of the trade notices and returns its hash.
func (d Definitions) Add(tb testing.TB, src string) string {
	tb.Helper()
	doc, hash, err := process.Resolve([]byte(src), vocabulary())
	if err != nil {
		tb.Fatal(err)
	}
	d[hash] = doc
	return hash
}

func vocabulary() process.Env {
	return process.Env{
		Facts: map[string]fact.Declaration{
			"full_move":                {Type: "boolean"},
			"indications_of_violation": {Type: "boolean"},
		},
		Roles:    []authority.Role{authority.Lead, authority.Previous},
		Purposes: []string{"notice.register", "notice.forward", "notice.inform", "statistics"},
		Deadline: func(id string) (law.DeadlineRecord, error) {
			switch id {
			case "gewo-15-1":
				return law.DeadlineRecord{ID: id, Days: 3, StartEvent: "receipt", SilenceEffect: law.None}, nil
			case "gewo-14-1-s3":
				return law.DeadlineRecord{ID: id, UndueDelay: true, StartEvent: "certificate", SilenceEffect: law.None}, nil
			case "deemed":
				return law.DeadlineRecord{ID: id, Days: 10, StartEvent: "receipt", SilenceEffect: law.DeemedGranted}, nil
			case "disregardable":
				return law.DeadlineRecord{ID: id, Days: 20, StartEvent: "receipt", SilenceEffect: law.Disregardable}, nil
			case "nothing":
				return law.DeadlineRecord{ID: id, Days: 15, StartEvent: "receipt", SilenceEffect: law.None}, nil
			}
			return law.DeadlineRecord{}, errors.New("no such record")
		},
	}
}

// Registration is the process of a trade registration (GewO § 14(1), § 15(1)).
const Registration = `process: trade-notice-registration
engine: 1
steps:
  - id: register
    task: { role: lead, purpose: notice.register, law: gewo-15-1, start: receipt, outcomes: [registered], outcome_facts: [indications_of_violation] }
  - id: acknowledge
    call: acknowledge
  - id: forward
    when: facts.full_move
    task: { role: previous, purpose: notice.forward, law: gewo-14-1-s3, start: acknowledge, opens: "99050012070000", outcomes: [deregistered], await: false }
  - id: inform
    call: announce
    with: { purposes: [notice.inform, statistics] }
  - id: forwarded
    when: facts.full_move
    wait: { task: forward }
  - id: done
    end: closed
`

// Deregistration is the process of a deregistration that an office drew up itself.
const Deregistration = `process: trade-notice-deregistration
engine: 1
steps:
  - id: inform
    call: announce
    with: { purposes: [notice.inform, statistics] }
  - id: done
    end: closed
`

// Permit is a process whose way depends on outcomes: every kind of step and condition of engine 1 stands in it.
const Permit = `process: permit-with-conditions
engine: 1
steps:
  - id: hear
    when: facts.full_move
    task: { role: previous, purpose: notice.forward, law: gewo-15-1, start: receipt, outcomes: [agreed, objected], outcome_facts: [indications_of_violation] }
  - id: refused
    when: has(outcome.hear) && outcome.hear == "objected"
    end: closed
  - id: decide
    task: { role: lead, purpose: notice.register, law: gewo-15-1, start: receipt, outcomes: [granted, denied] }
  - id: inform
    when: outcome.decide == "granted" && has(facts.indications_of_violation) && facts.indications_of_violation
    call: announce
    with: { purposes: [notice.inform] }
  - id: done
    end: closed
`

// Hearing is a process of three consultations side by side, one for each effect of silence; its way tells their outcomes.
const Hearing = `process: hearing
engine: 1
steps:
  - id: deemed
    task: { role: lead, purpose: notice.register, law: deemed, start: receipt, outcomes: [agreed, objected], await: false }
  - id: disregardable
    task: { role: previous, purpose: notice.forward, law: disregardable, start: receipt, outcomes: [agreed, objected], await: false }
  - id: nothing
    task: { role: previous, purpose: notice.forward, law: nothing, start: receipt, outcomes: [agreed, objected], await: false }
  - id: heard_deemed
    wait: { task: deemed }
  - id: heard_disregardable
    wait: { task: disregardable }
  - id: heard_nothing
    wait: { task: nothing }
  - id: by_silence
    when: outcome.deemed == "deemed_granted"
    call: announce
    with: { purposes: [notice.inform] }
  - id: without_answer
    when: outcome.disregardable == "expired"
    call: announce
    with: { purposes: [statistics] }
  - id: refused
    when: outcome.deemed == "objected" || outcome.disregardable == "objected" || outcome.nothing == "objected"
    end: closed
  - id: done
    end: closed
`

// Heard are the deadlines of a Hearing: days after the receipt.
func Heard() map[string]law.Deadline {
	out := map[string]law.Deadline{}
	for id, d := range map[string]struct {
		days   int
		effect law.SilenceEffect
	}{"deemed": {10, law.DeemedGranted}, "disregardable": {20, law.Disregardable}, "nothing": {15, law.None}} {
		due := Received.AddDate(0, 0, d.days).Add(-time.Microsecond)
		out[id] = law.Deadline{Law: id, Due: &due, SilenceEffect: d.effect}
	}
	return out
}
