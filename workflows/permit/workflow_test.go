package permit

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/workflow"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/service"
	"github.com/efa-broker/efa-broker/workflows/workflowtest"
)

func TestARegistrationByMoveGivesEachCommandOnceAndInOrder(t *testing.T) {
	t.Parallel()
	b := moving(t)
	b.office()
	b.mustRun(t)

	command := func(step string, after int64) engine.Command {
		return engine.Command{StepKey: engine.StepKey{Case: caseID, Step: step, Pass: 1}, AfterSeq: after}
	}
	acknowledged := workflowtest.Received.Add(2 * time.Second)
	want := []any{
		engine.Assign{
			Command: command("register", 1), Role: authority.Lead, Authority: "gewerbeamt-muenchen", Law: "gewo-15-1",
			Start: workflowtest.Received, Outcomes: []string{"registered"},
			OutcomeFacts: []string{"indications_of_violation"}, Purpose: "notice.register", Basis: "eu-gdpr:A6-1-c",
		},
		engine.Move{Command: command("acknowledge", 2), State: procedure.Acknowledged},
		engine.Assign{
			Command: command("forward", 2), Role: authority.Previous, Authority: "gewerbeamt-nuernberg", Law: "gewo-14-1-s3",
			Start: acknowledged, Outcomes: []string{"deregistered"}, Opens: "99050012070000",
			Purpose: "notice.forward", Basis: "eu-gdpr:A6-1-c",
		},
		engine.Announce{
			Command: command("inform", 2), Purposes: []string{"notice.inform", "statistics"}, Basis: "eu-gdpr:A6-1-c",
			Facts: fact.Values{"indications_of_violation": true},
		},
		engine.Move{Command: command("done", 3), State: procedure.Closed},
	}
	var got []any
	for _, e := range b.ledger.Effects(caseID) {
		got = append(got, e.Command)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func TestTheWayFollowsFactsAndOutcomes(t *testing.T) {
	t.Parallel()
	type answer struct {
		step, outcome string
		facts         fact.Values
	}
	suspicious := fact.Values{"indications_of_violation": true}
	cases := []struct {
		name, definition string
		moved            bool
		answers          []answer
		want             []string
	}{
		{"a registration without a move", workflowtest.Registration, false, []answer{{"register", "registered", nil}}, []string{"register", "acknowledge", "inform", "done"}},
		{"nobody waits for a task that was skipped", optionalWait, false, nil, []string{"done"}},
		{"a deregistration drawn up by the office", workflowtest.Deregistration, true, nil, []string{"inform", "done"}},
		{"an objection ends the case", workflowtest.Permit, true, []answer{{"hear", "objected", nil}}, []string{"hear", "refused"}},
		{"an agreement with a fact is announced", workflowtest.Permit, true, []answer{{"hear", "agreed", suspicious}, {"decide", "granted", nil}}, []string{"hear", "decide", "inform", "done"}},
		{"an agreement without a fact is not", workflowtest.Permit, true, []answer{{"hear", "agreed", nil}, {"decide", "granted", nil}}, []string{"hear", "decide", "done"}},
		{"a denial is not", workflowtest.Permit, true, []answer{{"hear", "agreed", suspicious}, {"decide", "denied", nil}}, []string{"hear", "decide", "done"}},
		{"nobody is heard without a move", workflowtest.Permit, false, []answer{{"decide", "granted", nil}}, []string{"decide", "done"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ledger, definitions, start := submitted(t, c.definition, fact.Values{"full_move": c.moved})
			b := newBench(t, ledger, definitions, start)
			for i, a := range c.answers {
				b.answer(time.Duration(i+1)*24*time.Hour, a.step, a.outcome, a.facts)
			}
			b.mustRun(t)
			if diff := cmp.Diff(c.want, way(ledger)); diff != "" {
				t.Errorf("way (-want +got):\n%s", diff)
			}
			if s := ledger.State(caseID); s != procedure.Closed {
				t.Errorf("state = %s, want closed", s)
			}
		})
	}
}

// TestTheServicePackagesWalkToTheirEnd walks the processes that the product ships.
func TestTheServicePackagesWalkToTheirEnd(t *testing.T) {
	t.Parallel()
	packages, err := service.Load()
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string][]string{
		"99050012104000": {"register", "acknowledge", "forward", "inform", "done"},
		"99050012070000": {"inform", "done"},
	}
	for _, p := range packages {
		want, known := ways[string(p.Service)]
		if !known {
			continue // a package that came later has its own test
		}
		delete(ways, string(p.Service))
		t.Run(string(p.Service), func(t *testing.T) {
			t.Parallel()
			template, _, start := submitted(t, workflowtest.Registration, fact.Values{"full_move": true})
			start.Definition = p.Definition
			b := newBench(t, template, workflowtest.Definitions{p.Definition: p.Document}, start)
			b.office()
			b.mustRun(t)
			if diff := cmp.Diff(want, way(template)); diff != "" {
				t.Errorf("way (-want +got):\n%s", diff)
			}
		})
	}
	if len(ways) != 0 {
		t.Errorf("no packages for %v", ways)
	}
}

const optionalWait = `process: optional-wait
engine: 1
steps:
  - id: look
    when: facts.full_move
    task: { role: lead, purpose: notice.register, law: gewo-15-1, start: receipt, outcomes: [done], await: false }
  - id: looked
    wait: { task: look }
  - id: done
    end: closed
`

func TestACaseThatHasEndedIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := moving(t)
	b.office()
	b.mustRun(t)
	again := newBench(t, b.ledger, sourceOf(t), b.start)
	again.mustRun(t)
	if got := len(b.ledger.Effects(caseID)); got != 5 {
		t.Errorf("%d commands after a second run, want the 5 of the first", got)
	}
}

func sourceOf(t *testing.T) workflowtest.Definitions {
	t.Helper()
	d := workflowtest.Definitions{}
	d.Add(t, workflowtest.Registration)
	return d
}

func TestAMissingDefinitionStopsTheWorkflowTaskBeforeAnyCommand(t *testing.T) {
	t.Parallel()
	ledger, _, start := submitted(t, workflowtest.Registration, fact.Values{"full_move": true})
	b := newBench(t, ledger, workflowtest.Definitions{}, start)
	// The test environment ends a workflow that panics; a worker retries the workflow task.
	if err := b.run(); err == nil || !strings.Contains(err.Error(), stopDefinition) {
		t.Fatalf("workflow error = %v, want a panic with %s", err, stopDefinition)
	}
	if got := way(ledger); len(got) != 0 {
		t.Errorf("commands = %v, want none", got)
	}
}

func TestADefinitionIsRefusedUnderAnotherHash(t *testing.T) {
	t.Parallel()
	ledger, definitions, start := submitted(t, workflowtest.Registration, nil)
	other := strings.Repeat("0", 64)
	definitions[other] = definitions[start.Definition]
	start.Definition = other
	if err := newBench(t, ledger, definitions, start).run(); err == nil || !strings.Contains(err.Error(), stopDefinition) {
		t.Fatalf("workflow error = %v, want a panic with %s", err, stopDefinition)
	}
}

func TestALongRunIsFollowedByOneThatCarriesTheStartOnly(t *testing.T) {
	t.Parallel()
	b := moving(t)
	b.answer(time.Hour, "register", "registered", nil)
	b.at(90*time.Minute, func() []engine.Event {
		b.env.SetContinueAsNewSuggested(true)
		return []engine.Event{b.ledger.Append(caseID, neutral)}
	})
	var next *workflow.ContinueAsNewError
	if err := b.run(); !errors.As(err, &next) {
		t.Fatalf("workflow error = %v, want continue as new", err)
	}
	if next.WorkflowType.Name != WorkflowName || next.InitialVersioningBehavior != workflow.ContinueAsNewVersioningBehaviorAutoUpgrade {
		t.Errorf("next run = %+v, want %s on the current version", next, WorkflowName)
	}
	second := newBench(t, b.ledger, sourceOf(t), b.start)
	second.answer(time.Hour, "forward", "deregistered", nil)
	second.mustRun(t)
	want := []string{"register", "acknowledge", "forward", "inform", "done"}
	if diff := cmp.Diff(want, way(b.ledger)); diff != "" {
		t.Errorf("way over both runs (-want +got):\n%s", diff)
	}
}

func TestThePositionShowsWhatTheProcessWaitsFor(t *testing.T) {
	t.Parallel()
	b := moving(t)
	b.office()
	ask := func() (p Position) {
		v, err := b.env.QueryWorkflow(QueryPosition)
		if err == nil {
			err = v.Get(&p)
		}
		if err != nil {
			t.Error(err)
		}
		return p
	}
	var first, second Position
	b.at(time.Minute, func() []engine.Event { first = ask(); return nil })
	b.at(90*time.Minute, func() []engine.Event { second = ask(); return nil })
	b.mustRun(t)
	if want := (Position{Step: "register", Applied: 1, Awaits: "register"}); first != want {
		t.Errorf("position after a minute = %+v, want %+v", first, want)
	}
	if want := (Position{Step: "forwarded", Applied: 2, Awaits: "forward"}); second != want {
		t.Errorf("position after 90 minutes = %+v, want %+v", second, want)
	}
}
