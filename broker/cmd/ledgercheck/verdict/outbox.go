package verdict

import (
	"slices"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/rows"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
)

// Types of events that answer a delivery.
const (
	received   = "de.efa.delivery.accepted.v1"
	unreadable = "de.efa.delivery.rejected.v1"
)

// answers checks that whatever authorities wrote on their own topics was dealt with: it has its effect, was refused, or is
// not read yet.
func (c *court) answers() {
	taken := map[string]rows.Taken{}
	for _, t := range c.Ledger.Taken {
		taken[t.Source+"\x00"+t.ID] = t
	}
	for _, r := range c.Outboxes {
		c.saw()
		a := r.Answer()
		t, ok := taken[a.Source+"\x00"+a.ID]
		last, begun := c.Ledger.ReadTo[rows.Place{Topic: r.Topic, Partition: r.Partition}]
		switch {
		case ok && !c.effected(t.Case, a):
			c.broken(r.Place.String(), "an answer was taken and its case holds nothing of it", a.ID, t.Case)
		case ok, c.Ledger.Refused[rows.Place{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}]:
		case !begun || r.Offset > last:
			c.report.Figures.Open++
		default:
			c.broken(r.Place.String(), "an answer was passed over: it is neither taken nor refused", a.ID, r.Topic)
		}
	}
	c.report.Figures.Answers = len(c.Ledger.Taken)
}

// effected reports whether a case holds the answer.
func (j *judge) effected(caseID string, a witness.Answer) bool {
	return slices.ContainsFunc(j.Ledger.Events[caseID], func(e rows.Event) bool {
		switch e.Type {
		case completed, returned:
			return a.Task != "" && e.About.Task == a.Task
		case received, unreadable:
			return a.Delivery != "" && e.About.Delivery == a.Delivery
		}
		return false
	})
}

// invented looks for answers that were taken and that no authority wrote.
func (c *court) invented() {
	if c.Outboxes == nil {
		return
	}
	written := map[string]bool{}
	for _, r := range c.Outboxes {
		a := r.Answer()
		written[a.Source+"\x00"+a.ID] = true
	}
	for _, t := range c.Ledger.Taken {
		c.saw()
		if !written[t.Source+"\x00"+t.ID] {
			c.broken("ingress_events", "an answer was taken that stands on no topic", t.ID, t.Case)
		}
	}
}
