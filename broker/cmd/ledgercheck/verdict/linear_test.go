package verdict_test

import (
	"slices"
	"testing"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/rows"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/verdict"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
)

// between is an exchange from one instant to another.
func between(began, at int64, e witness.Exchange) witness.Exchange {
	e.Began, e.At = began, at
	return e
}

// answers is a request for an outcome; status 0 is no answer.
func answers(outcome string, status int) witness.Exchange {
	e := exchange("ihk", "POST", "/v1/tasks/t/outcome", map[string]string{"task_id": "t", "state": "completed", "outcome": outcome, "authority": "ihk"})
	e.Sent, e.Status = []byte(`{"outcome":"`+outcome+`"}`), status
	return e
}

func shows(state, outcome string) witness.Exchange {
	return exchange("ihk", "GET", "/v1/tasks/t", map[string]string{"task_id": "t", "state": state, "outcome": outcome, "authority": "ihk"})
}

func reads(state string) witness.Exchange {
	return exchange("ihk", "GET", "/v1/inbox", map[string]any{"items": []map[string]any{{"delivery_id": "d", "state": state, "cursor": "1.1", "case_id": "c", "sequence": 1}}})
}

func accepted() witness.Exchange {
	return exchange("ihk", "POST", "/v1/deliveries/d/accept", map[string]string{"delivery_id": "d"})
}

// TestAnswersFitOneOrderOrTheRuleIsBroken gives histories of one task, whose ledger holds the outcome named, and of one
// delivery that was accepted.
func TestAnswersFitOneOrderOrTheRuleIsBroken(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ledger  string // outcome of the task; empty = open
		dated   bool
		history []witness.Exchange
		broken  bool
	}{
		"answered and seen":                        {"yes", false, []witness.Exchange{between(1, 2, shows("assigned", "")), between(3, 4, answers("yes", 200)), between(5, 6, shows("completed", "yes"))}, false},
		"seen open after the answer":               {"yes", false, []witness.Exchange{between(3, 4, answers("yes", 200)), between(5, 6, shows("assigned", ""))}, true},
		"seen open while the answer was under way": {"yes", false, []witness.Exchange{between(3, 9, answers("yes", 200)), between(5, 6, shows("assigned", ""))}, false},
		"seen open after it was seen done":         {"yes", false, []witness.Exchange{between(1, 9, answers("yes", 200)), between(2, 3, shows("completed", "yes")), between(4, 5, shows("assigned", ""))}, true},
		"the same answer again":                    {"yes", false, []witness.Exchange{between(1, 2, answers("yes", 200)), between(3, 4, answers("yes", 200))}, false},
		"two answers were both taken":              {"yes", false, []witness.Exchange{between(1, 2, answers("yes", 200)), between(3, 4, answers("no", 200))}, true},
		"the second was a conflict":                {"yes", false, []witness.Exchange{between(1, 2, answers("yes", 200)), between(3, 4, answers("no", 409))}, false},
		"a conflict with nothing":                  {"yes", false, []witness.Exchange{between(1, 2, answers("no", 409)), between(3, 4, answers("yes", 200))}, true},
		"a conflict with a deadline":               {"yes", true, []witness.Exchange{between(1, 2, answers("no", 409)), between(3, 4, answers("yes", 200))}, false},
		"two at once, one wins":                    {"no", false, []witness.Exchange{between(1, 9, answers("yes", 409)), between(2, 8, answers("no", 200))}, false},
		"not known, and taken":                     {"yes", false, []witness.Exchange{between(1, 2, answers("yes", 0)), between(3, 4, shows("assigned", "")), between(5, 6, shows("completed", "yes"))}, false},
		"not known, and not taken":                 {"no", false, []witness.Exchange{between(1, 2, answers("yes", 503)), between(3, 4, answers("no", 200))}, false},
		"not known, and seen as something else":    {"yes", false, []witness.Exchange{between(1, 2, answers("yes", 0)), between(3, 4, shows("completed", "no"))}, true},
		"refused for itself":                       {"", false, []witness.Exchange{between(1, 2, answers("yes", 400)), between(3, 4, shows("assigned", ""))}, false},
		"acknowledged, and the ledger has another": {"no", false, []witness.Exchange{between(1, 2, answers("yes", 200))}, true},
		"acknowledged, and the ledger has none":    {"", false, []witness.Exchange{between(1, 2, answers("yes", 200))}, true},
		"answered by another way":                  {"yes", false, []witness.Exchange{between(1, 2, shows("assigned", "")), between(3, 4, shows("completed", "yes"))}, false},
		"accepted and seen":                        {"", false, []witness.Exchange{between(1, 2, reads("announced")), between(3, 4, accepted()), between(5, 6, reads("accepted"))}, false},
		"seen unanswered after it was accepted":    {"", false, []witness.Exchange{between(3, 4, accepted()), between(5, 6, reads("fetched"))}, true},
		"seen accepted before it was":              {"", false, []witness.Exchange{between(1, 2, reads("accepted")), between(3, 4, accepted())}, true},
		"without its beginning nothing is said":    {"yes", false, []witness.Exchange{between(0, 4, answers("no", 200))}, false},
		"a list shows what one task shows":         {"yes", false, []witness.Exchange{between(3, 4, answers("yes", 200)), between(5, 6, exchange("ihk", "GET", "/v1/tasks?state=assigned", map[string]any{"tasks": []map[string]string{{"task_id": "t", "state": "assigned"}}}))}, true},
		"another body does not see the outcome":    {"yes", false, []witness.Exchange{between(3, 4, answers("yes", 200)), between(5, 6, exchange("amt", "GET", "/v1/tasks/t", map[string]string{"task_id": "t", "state": "completed"}))}, false},
		"what was sent is not known":               {"yes", false, []witness.Exchange{between(3, 4, func() witness.Exchange { e := answers("yes", 200); e.Sent = nil; return e }())}, false},
	}
	for name, tt := range tests {
		of := whole()
		if tt.ledger != "" {
			e := of.Ledger.Events["c"][0]
			e.ID, e.Type, e.About = "t/answer", "de.efa.task.completed.v1", rows.About{Task: "t", Outcome: tt.ledger}
			of.Ledger.Events["other"] = []rows.Event{e}
		}
		of.Ledger.Dated = map[string]bool{"t": tt.dated}
		of.Exchanges = append(slices.Clone(of.Exchanges), tt.history...)
		report, err := verdict.Judge(of)
		if err != nil {
			t.Fatal(err)
		}
		var found bool
		for _, r := range report.Rules {
			for _, v := range r.Violations {
				found = found || r.Rule == verdict.Order && (v.What == "the answers about a task fit no order of its requests" || v.What == "the answers about a delivery fit no order of its requests")
			}
		}
		if found != tt.broken {
			t.Errorf("%s: broken %t, want %t", name, found, tt.broken)
		}
	}
}

// TestAnAnswerOverATopicComesBeforeTheRequestThatRepeatsIt: an authority may change the way by which it answers.
func TestAnAnswerOverATopicComesBeforeTheRequestThatRepeatsIt(t *testing.T) {
	t.Parallel()
	for topic, holds := range map[string]bool{"": false, "efa.outbox.ihk": true, "efa.outbox.amt": false} {
		of := whole()
		of.Exchanges = append(slices.Clone(of.Exchanges), between(1, 2, reads("announced")), between(3, 4, reads("accepted")), between(5, 6, accepted()))
		if topic != "" {
			of.Ledger.Taken = []rows.Taken{{Source: "urn:x", ID: "a", Case: "c", Place: rows.Place{Topic: topic}}}
		}
		if got := len(judge(t, of)[verdict.Order]) == 0; got != holds {
			t.Errorf("answers on topic %q: holds %t, want %t", topic, got, holds)
		}
	}
}
