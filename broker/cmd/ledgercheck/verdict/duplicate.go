package verdict

import (
	"strings"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/rows"
)

func (j *judge) duplicate() {
	c := j.rule(Duplicate)
	defer c.close()
	owner := map[string]string{}
	for _, id := range sorted(j.accepted) {
		c.saw()
		for _, claim := range j.accepted[id] {
			if first := j.accepted[id][0]; claim.Case != first.Case {
				c.broken(claim.Place.String(), "one submission opened two cases", id, first.Case, claim.Case)
			}
			if other, taken := owner[claim.Case]; taken && other != id {
				c.broken(claim.Place.String(), "two submissions were answered with one case", other, id, claim.Case)
			}
			owner[claim.Case] = id
		}
	}
	for _, caseID := range sorted(j.Ledger.Events) {
		c.effects(caseID)
		if !j.Ledger.Claimed[caseID] {
			c.broken("submissions", "no submission id names the case: it was opened again", caseID)
		}
	}
	c.inboxes()
}

// effects looks for an effect that a case has twice.
func (c *court) effects(caseID string) {
	seen := map[string]string{}
	for _, e := range c.Ledger.Events[caseID] {
		key := effect(e)
		if key == "" {
			continue
		}
		c.saw()
		if first, again := seen[key]; again {
			c.broken("events", "one effect twice: "+key, first, e.ID)
		}
		seen[key] = e.ID
	}
}

// effect names what may happen once in a case; empty for what may be repeated.
func effect(e rows.Event) string {
	a := e.About
	switch e.Type {
	case submitted, receipted, ended, wiped:
		return e.Type
	case assigned:
		return "task " + a.Task
	case completed, returned:
		return "answer to " + a.Task
	case expired: // an answer behind it may still be recorded
		return "expiry of " + a.Task
	case announced:
		return strings.Join([]string{"announcement", a.Authority, a.Role, a.Purpose}, " ")
	case linked:
		return "link " + a.Relation + " " + a.Linked
	}
	return ""
}

// inboxes looks for an event that an authority has under two deliveries, and counts what it saw again.
func (c *court) inboxes() {
	known := map[string]string{}
	see := func(where, authority, event, id string) (again bool) {
		key := authority + "\x00" + event
		first, again := known[key]
		if again && first != id {
			c.broken(where, "one event is in an inbox under two deliveries", event, first, id)
		}
		known[key] = id
		return again
	}
	for _, d := range c.Ledger.Deliveries {
		c.saw()
		if see("deliveries", d.Authority, d.Event, d.ID) {
			c.broken("deliveries", "one event is in an inbox twice", d.Event, d.ID)
		}
	}
	met := map[string]bool{}
	for _, e := range c.Exchanges {
		items, _ := e.Items()
		for _, it := range items {
			see(e.Place.String(), e.Authority, it.Event, it.Delivery)
			c.report.Figures.Seen++
			if met[e.Authority+it.Delivery] {
				c.report.Figures.SeenAgain++
			}
			met[e.Authority+it.Delivery] = true
		}
	}
}
