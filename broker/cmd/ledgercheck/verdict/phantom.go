package verdict

import (
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
)

func (j *judge) phantom() {
	c := j.rule(Phantom)
	defer c.close()
	c.phantomCases()
	c.invented()
	forged := map[string]bool{}
	for _, claim := range j.Claims {
		if claim.Op == witness.Forge {
			forged[claim.SHA256] = true
		}
	}
	for _, r := range j.Records {
		c.saw()
		e, known := j.events[r.Source()+"\x00"+r.ID()]
		same := known && e.Data == string(r.Value) && e.Case == r.Case() && e.Case == r.Key && e.Seq == r.Seq() && e.Type == r.Headers["ce_type"] &&
			e.Tenant == r.Headers["ce_tenant"]
		if !same && !forged[r.SHA256()] {
			c.broken(r.Place.String(), "the event log holds an event that the ledger does not hold", r.ID(), r.Case())
		}
	}
	for _, d := range j.Ledger.Deliveries {
		c.saw()
		if e, known := j.byID[d.Event]; !known || e.Case != d.Case || e.Seq != d.Seq || e.Type != assigned && e.Type != announced {
			c.broken("deliveries", "a delivery has no event", d.ID, d.Event)
		}
	}
	for _, e := range j.Exchanges {
		items, _ := e.Items()
		for _, it := range items {
			c.saw()
			if d, known := j.deliveries[it.Delivery]; !known || d.Event != it.Event || d.Case != it.Case || d.Sequence != it.Sequence {
				c.broken(e.Place.String(), "a recipient saw an item that the ledger does not hold", it.Delivery, it.Event)
			}
		}
	}
}

// phantomCases looks for cases that nobody submitted. Of a submission whose fate is not known, one case may exist.
func (c *court) phantomCases() {
	unknown := c.report.Figures.Unknown
	for _, id := range sorted(c.Ledger.Cases) {
		c.saw()
		_, acked := c.acked[id]
		_, asked := c.asked[id]
		if acked || asked {
			continue
		}
		if unknown--; unknown < 0 {
			c.broken("cases", "a case that no producer was told of, and no submission is left that could be it", id)
		}
	}
}
