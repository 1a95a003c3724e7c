package verdict

import (
	"slices"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/rows"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
)

func (j *judge) authorised() {
	c := j.rule(Authorised)
	defer c.close()
	routed := map[string][]rows.Decision{}
	for _, id := range sorted(j.Ledger.Decisions) {
		d := j.Ledger.Decisions[id]
		if d.Stage == "abstract" {
			routed[routeOf(d.Case, d.Recipient, d.Role, d.Purpose)] = append(routed[routeOf(d.Case, d.Recipient, d.Role, d.Purpose)], d)
		}
		if at, erased := j.Ledger.Erased[d.Case]; erased && d.Stage == "concrete" && d.Outcome != "refuse" && d.At.After(at) {
			c.broken("decisions", "content was released after the case was erased", id, d.Case)
		}
	}
	for _, caseID := range sorted(j.Ledger.Events) {
		for _, e := range j.Ledger.Events[caseID] {
			c.event(e, routed)
		}
	}
	for _, d := range j.Ledger.Deliveries {
		c.saw()
		if e := j.byID[d.Event]; e.About.Authority != d.Authority || e.About.Role != d.Role || e.About.Purpose != d.Purpose || e.About.Task != d.Task {
			c.broken("deliveries", "an item stands in the inbox of an authority, role or purpose that its event does not name", d.ID, d.Authority, d.Event)
		}
	}
	c.received()
}

// received checks what each recipient got: its own items, and content on a decision for it.
func (c *court) received() {
	for _, e := range c.Exchanges {
		items, _ := e.Items()
		for _, it := range items {
			c.saw()
			if it.Authority != e.Authority || c.deliveries[it.Delivery].Authority != e.Authority {
				c.broken(e.Place.String(), "a recipient saw an item of another authority", it.Delivery, e.Authority)
			}
		}
		if f, ok := e.Fetched(); ok {
			c.saw()
			if why := c.fetched(e.Authority, f); why != "" {
				c.broken(e.Place.String(), why, f.Content, e.Authority, f.Decision)
			}
		}
	}
}

func routeOf(caseID, authority, role, purpose string) string {
	return caseID + "|" + authority + "|" + role + "|" + purpose
}

// event checks that an event which tells or releases something has its decision.
func (c *court) event(e rows.Event, routed map[string][]rows.Decision) {
	a := e.About
	switch e.Type {
	case assigned, announced:
		c.saw()
		allowed := slices.ContainsFunc(routed[routeOf(e.Case, a.Authority, a.Role, a.Purpose)], func(d rows.Decision) bool {
			return !d.At.After(e.At) && (e.Type == assigned || d.ID == a.Decision)
		})
		if !allowed {
			c.broken("events", "an authority was told of a case without a recorded decision", e.ID, a.Authority)
		}
		if !c.Ledger.Participation[e.Case+"|"+a.Authority+"|"+a.Role] {
			c.broken("case_participation", "an authority was told of a case in which it takes no part", e.ID, a.Authority)
		}
	case disclosed, refused:
		c.saw()
		d := c.Ledger.Decisions[a.Decision]
		if d.Case != e.Case || d.Recipient != a.Authority || d.Content != a.Content || d.Digest != a.Record || d.Disclosure != a.Disclosure ||
			(d.Outcome == "refuse") != (e.Type == refused) {
			c.broken("events", "a disclosure is not the one that was decided", e.ID, a.Decision)
		}
	}
}

// fetched says why bytes that a recipient got should not have left; empty when they should.
func (c *court) fetched(authority string, f witness.Fetched) string {
	d, known := c.Ledger.Decisions[f.Decision]
	e, recorded := c.byID[f.Decision]
	switch {
	case !known:
		return "content was handed over without a recorded decision"
	case d.Stage != "concrete" || d.Outcome == "refuse" || d.Recipient != authority || d.Content != f.Content || d.Case != f.Case:
		return "content was handed over on a decision about something else"
	case !recorded || e.Type != disclosed:
		return "content was handed over and the ledger holds no event of it"
	case slices.ContainsFunc(f.Released, func(field string) bool { return !slices.Contains(d.Released, field) }):
		return "a field was handed over that the decision does not release"
	}
	return ""
}
