package permit

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/workflows/workflowtest"
)

// attentions are the commands that called for a person, as step/pass reason.
func attentions(l *workflowtest.Ledger) []string {
	var all []string
	for _, e := range l.Effects(caseID) {
		if m, ok := e.Command.(engine.Move); ok && m.Attention != "" {
			all = append(all, m.Step+" "+m.Attention)
		}
	}
	return all
}

func TestAHolderWhoIsNotCompetentCallsForAPersonOnceAndTheCaseStaysOpen(t *testing.T) {
	t.Parallel()
	for _, task := range []string{"register", "forward"} {
		t.Run(task, func(t *testing.T) {
			t.Parallel()
			b := moving(t)
			b.answer(time.Hour, task, engine.NotCompetent, nil)
			var waiting Position
			b.at(2*time.Hour, func() []engine.Event {
				v, err := b.env.QueryWorkflow(QueryPosition)
				if err != nil || v.Get(&waiting) != nil {
					t.Errorf("no position: %v", err)
				}
				return []engine.Event{b.ledger.Append(caseID, neutral)}
			})
			b.answer(3*time.Hour, "register", "registered", nil)
			b.answer(4*time.Hour, "forward", "deregistered", nil)
			if task == "forward" {
				// The answer of the lead comes first in time here, that of the previous office is held until it is awaited.
				b.at(30*time.Minute, func() []engine.Event {
					return []engine.Event{b.ledger.Answer(caseID, "register", "registered", nil)}
				})
			}
			b.mustRun(t)
			if diff := cmp.Diff([]string{task + "/attention not_competent"}, attentions(b.ledger)); diff != "" {
				t.Errorf("calls for a person (-want +got):\n%s", diff)
			}
			if !waiting.Attention || waiting.Awaits != task {
				t.Errorf("position = %+v, want attention for %s", waiting, task)
			}
			if s := b.ledger.State(caseID); s != procedure.Closed {
				t.Errorf("state = %s, want closed after the further answer", s)
			}
		})
	}
}

func TestARebuiltProcessDoesNotCallForThePersonAgain(t *testing.T) {
	t.Parallel()
	b := moving(t)
	b.answer(time.Hour, "register", engine.NotCompetent, nil)
	b.answer(2*time.Hour, "register", "registered", nil)
	b.answer(3*time.Hour, "forward", "deregistered", nil)
	b.mustRun(t)
	for n := range len(b.ledger.Effects(caseID)) {
		events := 4
		if n < 2 {
			events = n + 1 // the register task was not answered before it was assigned
		}
		ledger := b.ledger.Rewind(caseID, n, events)
		again := newBench(t, ledger, sourceOf(t), b.start)
		if events < 2 {
			again.answer(time.Hour, "register", engine.NotCompetent, nil)
		}
		if events < 3 {
			again.answer(2*time.Hour, "register", "registered", nil)
			again.answer(3*time.Hour, "forward", "deregistered", nil)
		}
		again.mustRun(t)
		if diff := cmp.Diff(way(b.ledger), way(ledger)); diff != "" {
			t.Errorf("way after %d commands (-want +got):\n%s", n, diff)
		}
	}
}

// TestARebuiltProcessCountsCallsForAPersonInTheirOrder rebuilds a process that has called for a person twice, when the
// ledger already holds both answers. Were the later answer applied too early, the next call would be taken for a kept one.
func TestARebuiltProcessCountsCallsForAPersonInTheirOrder(t *testing.T) {
	t.Parallel()
	b := moving(t)
	b.answer(1*time.Hour, "register", engine.NotCompetent, nil)
	b.answer(2*time.Hour, "register", engine.NotCompetent, nil)
	b.runUntilItWaits(t)
	again := newBench(t, b.ledger.Rewind(caseID, 3, 3), sourceOf(t), b.start)
	again.answer(3*time.Hour, "register", engine.NotCompetent, nil)
	again.runUntilItWaits(t)
	var passes []int
	for _, e := range again.ledger.Effects(caseID) {
		passes = append(passes, e.Result.Pass)
	}
	if diff := cmp.Diff([]int{1, 1, 2, 3}, passes); diff != "" {
		t.Errorf("passes of the task and of the calls for a person (-want +got):\n%s", diff)
	}
}

func TestARoleWithoutAnAuthorityCallsForAPerson(t *testing.T) {
	t.Parallel()
	ledger, definitions, start := submitted(t, workflowtest.Registration, fact.Values{"full_move": false})
	lonely := workflowtest.NewLedger()
	lonely.Submit(engine.Case{
		ID: caseID, Definition: start.Definition, Kind: procedure.Notification,
		Parties: []authority.Party{{Role: authority.Previous, Authority: "gewerbeamt-nuernberg"}},
	})
	b := newBench(t, lonely, definitions, start)
	b.runUntilItWaits(t)
	if diff := cmp.Diff([]string{"register/attention not_competent"}, attentions(lonely)); diff != "" {
		t.Errorf("calls for a person (-want +got):\n%s", diff)
	}
	if got := len(ledger.Effects(caseID)); got != 0 {
		t.Errorf("%d commands on another ledger", got)
	}
}

// TestEveryKindOfErrorAtEveryCommandIsEitherRetriedOrShownToAPerson is the table of retry.go, run.
func TestEveryKindOfErrorAtEveryCommandIsEitherRetriedOrShownToAPerson(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		for _, step := range []string{"register", "acknowledge", "forward", "inform", "done"} {
			t.Run(kind.String()+" at "+step, func(t *testing.T) {
				t.Parallel()
				b := moving(t)
				b.office()
				failures, calls := 3, 0
				b.ledger.Before = func(c engine.Command) error {
					if c.Step != step {
						return nil
					}
					if calls++; calls <= failures {
						return contracts.Errorf(kind, "test", "canary text")
					}
					return nil
				}
				for i := range 3 { // each event lets a refused command be decided again
					b.at(time.Duration(3+i)*time.Hour, func() []engine.Event {
						return []engine.Event{b.ledger.Append(caseID, neutral)}
					})
				}
				b.mustRun(t)
				if calls != failures+1 {
					t.Errorf("the command was given %d times, want %d", calls, failures+1)
				}
				want := 0
				if !retried(kind) {
					want = failures
				}
				got := attentions(b.ledger)
				if len(got) != want {
					t.Fatalf("calls for a person = %v, want %d", got, want)
				}
				for _, a := range got {
					if a != step+"/attention "+kind.String() {
						t.Errorf("call for a person = %q", a)
					}
				}
			})
		}
	}
}

func TestARefusedCommandIsNotGivenAgainByARebuiltProcess(t *testing.T) {
	t.Parallel()
	refuse := func(l *workflowtest.Ledger, times *int) {
		l.Before = func(c engine.Command) error {
			if c.Step == "acknowledge" {
				*times++
				return contracts.Errorf(contracts.Denied, "test", "refused")
			}
			return nil
		}
	}
	b := moving(t)
	var first, second int
	refuse(b.ledger, &first)
	b.answer(time.Hour, "register", "registered", nil)
	b.runUntilItWaits(t)
	again := newBench(t, b.ledger, sourceOf(t), b.start)
	refuse(b.ledger, &second)
	again.runUntilItWaits(t)
	if first != 1 || second != 0 {
		t.Errorf("the command was given %d and %d times, want once and never again", first, second)
	}
	if diff := cmp.Diff([]string{"acknowledge/attention denied"}, attentions(b.ledger)); diff != "" {
		t.Errorf("calls for a person (-want +got):\n%s", diff)
	}
}

func TestAHistoryGetsTheCodeOfAnErrorAndTheLogItsText(t *testing.T) {
	t.Parallel()
	const canary = "canary-4711"
	var log bytes.Buffer
	a := &activities{logger: slog.New(slog.NewTextHandler(&log, nil))}
	calls := map[string]func() (engine.Result, error){
		"unavailable": func() (engine.Result, error) {
			return engine.Result{}, contracts.Errorf(contracts.Unavailable, "test", canary)
		},
		"conflict": func() (engine.Result, error) {
			return engine.Result{}, contracts.Errorf(contracts.Conflict, "test", canary)
		},
		"internal": func() (engine.Result, error) { panic(errors.New(canary)) },
	}
	for code, call := range calls {
		log.Reset()
		err := probe(t, a, call)
		var app *temporal.ApplicationError
		if !errors.As(err, &app) || app.Type() != code {
			t.Fatalf("error = %v, want the code %s", err, code)
		}
		failure := temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
			DataConverter: converter.GetDefaultDataConverter(),
		}).ErrorToFailure(err)
		if strings.Contains(failure.String(), canary) {
			t.Errorf("the failure holds a text: %s", failure)
		}
		if logged := log.String(); strings.Contains(logged, canary) == (code == "internal") {
			t.Errorf("log of %s = %s, want the text of an error and not that of a panic", code, logged)
		}
	}
}
