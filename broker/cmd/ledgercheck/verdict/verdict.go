package verdict

import (
	"maps"
	"slices"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/rows"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
)

// Testimony is everything that is judged.
type Testimony struct {
	Ledger    *rows.Ledger
	Claims    []witness.Claim
	Exchanges []witness.Exchange
	// Records are those of the event log; nil when nobody read it, and then nothing is said about it.
	Records []witness.Record
	// Outboxes are those of the topics of authorities; nil when nobody read them.
	Outboxes []witness.Record
	// Texts hands over every value of the database with the name of its column.
	Texts func(see func(column string, value []byte)) error
	// Nowhere are files and directories in which no canary may stand.
	Nowhere []string
}

// Names of the rules, in the order of the report.
const (
	Lost         = "lost"
	Duplicate    = "duplicate"
	Phantom      = "phantom"
	Order        = "order"
	Leak         = "leak"
	Authorised   = "authorised"
	Evidence     = "evidence"
	Conservation = "conservation"
)

// Report is the verdict.
type Report struct {
	Whole   bool      `json:"whole"`
	Rules   []Result  `json:"rules"`
	Figures Figures   `json:"figures"`
	Balance []Balance `json:"balance"`
}

// Result is the verdict by one rule.
type Result struct {
	Rule  string `json:"rule"`
	Holds bool   `json:"holds"`
	// Checked is how many things were looked at.
	Checked    int         `json:"checked"`
	Violations []Violation `json:"violations"`
	// More is how many violations are not listed.
	More int `json:"more,omitempty"`
}

// Violation is one thing that breaks a rule.
type Violation struct {
	What string `json:"what"`
	// Where is a table, or file and line.
	Where string   `json:"where"`
	IDs   []string `json:"ids"`
}

// Figures say how much there was to look at.
type Figures struct {
	Submissions int `json:"submissions"`
	Accepted    int `json:"accepted"`
	// Unknown are submissions whose producer never learned what became of them.
	Unknown int `json:"unknown"`
	Cases   int `json:"cases"`
	// Closed are events that ended a case.
	Closed     int `json:"closed"`
	Events     int `json:"events"`
	Records    int `json:"records"`
	Deliveries int `json:"deliveries"`
	// Seen is how often recipients saw an item, SeenAgain how often one that they had seen.
	Seen      int `json:"seen"`
	SeenAgain int `json:"seen_again"`
	// Answers came over topics of authorities.
	Answers int `json:"answers"`
	// Open are events and answers whose effects are still on their way.
	Open     int `json:"open"`
	Canaries int `json:"canaries"`
}

// Balance is the rule of conservation for one authority.
type Balance struct {
	Authority string `json:"authority"`
	Announced int    `json:"announced"`
	Accepted  int    `json:"accepted"`
	Rejected  int    `json:"rejected"`
	// Open items stand in the inbox, Waiting events are on their way to it.
	Open    int `json:"open"`
	Waiting int `json:"waiting"`
	Aside   int `json:"put_aside"`
}

// listed bounds how many violations of a rule are named.
const listed = 50

// Judge applies every rule. An error means that something could not be read, and then there is no verdict.
func Judge(t Testimony) (Report, error) {
	j := newJudge(t)
	j.lost()
	j.duplicate()
	j.phantom()
	j.order()
	if err := j.leak(); err != nil {
		return Report{}, err
	}
	j.authorised()
	j.evidence()
	j.conservation()
	return j.report, nil
}

// judge holds the testimony, indexed.
type judge struct {
	Testimony
	report Report

	events     map[string]rows.Event // by source and id
	byID       map[string]rows.Event // by id
	deliveries map[string]rows.Delivery
	accepted   map[string][]witness.Claim // answers of yes by submission
	acked      map[string]string          // submission of each acknowledged case
	unknown    map[string]bool            // submissions whose producer never learned what became of them
	asked      map[string]string          // authority that opened a case by a submission of its own
	inbox      map[string][]rows.Delivery // by event
}

func newJudge(t Testimony) *judge {
	j := &judge{
		Testimony: t, events: map[string]rows.Event{}, byID: map[string]rows.Event{}, deliveries: map[string]rows.Delivery{},
		accepted: map[string][]witness.Claim{}, acked: map[string]string{}, unknown: map[string]bool{}, asked: map[string]string{},
		inbox:  map[string][]rows.Delivery{},
		report: Report{Whole: true, Balance: []Balance{}},
	}
	for _, events := range t.Ledger.Events {
		for _, e := range events {
			j.events[e.Source+"\x00"+e.ID], j.byID[e.ID] = e, e
		}
	}
	for _, d := range t.Ledger.Deliveries {
		j.deliveries[d.ID] = d
		j.inbox[d.Event] = append(j.inbox[d.Event], d)
	}
	j.hear()
	f := &j.report.Figures
	f.Cases, f.Records, f.Events, f.Deliveries = len(t.Ledger.Cases), len(t.Records), len(j.events), len(t.Ledger.Deliveries)
	return j
}

// hear learns from producers and recipients what was sent and what was answered.
func (j *judge) hear() {
	open := map[string]bool{}
	for _, c := range j.Claims {
		switch c.Op {
		case witness.Invoke:
			_, known := open[c.ID]
			open[c.ID] = open[c.ID] || !known
		case witness.OK:
			j.accepted[c.ID] = append(j.accepted[c.ID], c)
			j.acked[c.Case] = c.ID
			open[c.ID] = false
		case witness.Fail:
			open[c.ID] = false
		}
	}
	for _, e := range j.Exchanges {
		if opened := e.Opened(); opened != "" {
			j.asked[opened] = e.Authority
		}
	}
	f := &j.report.Figures
	f.Submissions, f.Accepted = len(open), len(j.accepted)
	for id, unknown := range open {
		if unknown {
			j.unknown[id] = true
		}
	}
	f.Unknown = len(j.unknown)
}

// court collects what breaks one rule.
type court struct {
	*judge
	result Result
}

func (j *judge) rule(name string) *court {
	return &court{j, Result{Rule: name, Violations: []Violation{}}}
}

// saw counts something that was looked at.
func (c *court) saw() { c.result.Checked++ }

func (c *court) broken(where, what string, ids ...string) {
	if len(c.result.Violations) == listed {
		c.result.More++
		return
	}
	c.result.Violations = append(c.result.Violations, Violation{what, where, ids})
}

func (c *court) close() {
	c.result.Holds = len(c.result.Violations) == 0
	c.report.Rules = append(c.report.Rules, c.result)
	c.report.Whole = c.report.Whole && c.result.Holds
}

// sorted goes through a map in order, so that two runs say the same.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
