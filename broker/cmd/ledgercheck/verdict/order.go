package verdict

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/rows"
)

func (j *judge) order() {
	c := j.rule(Order)
	defer c.close()
	for _, id := range sorted(j.Ledger.Cases) {
		c.saw()
		c.sequence(id)
	}
	next := map[string]int64{}
	for _, r := range j.Records {
		c.saw()
		if _, known := j.events[r.Source()+"\x00"+r.ID()]; !known {
			continue // see phantom
		}
		switch n := next[r.Case()]; {
		case r.Seq() > n+1:
			c.broken(r.Place.String(), fmt.Sprintf("the event log holds event %d of a case behind event %d", r.Seq(), n), r.ID(), r.Case())
			fallthrough
		case r.Seq() == n+1:
			next[r.Case()] = r.Seq()
		}
	}
	c.places()
	c.reads()
	c.linear()
}

// sequence checks the numbers of one case.
func (c *court) sequence(id string) {
	var engine int64
	for i, e := range c.Ledger.Events[id] {
		if e.Seq != int64(i)+1 {
			c.broken("events", fmt.Sprintf("event %d stands at place %d of its case", e.Seq, i+1), e.ID)
		}
		if e.EngineSeq > 0 {
			if e.EngineSeq != engine+1 {
				c.broken("events", fmt.Sprintf("engine_seq %d follows %d", e.EngineSeq, engine), e.ID)
			}
			engine = e.EngineSeq
		}
	}
	row := c.Ledger.Cases[id]
	if n := int64(len(c.Ledger.Events[id])); row.Seq != n || row.EngineSeq != engine {
		c.broken("cases", fmt.Sprintf("the case counts %d and %d events, the ledger holds %d and %d", row.Seq, row.EngineSeq, n, engine), id)
	}
}

// places checks the numbers of each inbox, and of each case in it.
func (c *court) places() {
	last := map[string]rows.Delivery{}
	byCase := map[string][]rows.Delivery{}
	for _, d := range c.Ledger.Deliveries {
		c.saw()
		if before, ok := last[d.Authority]; d.InboxSeq != before.InboxSeq+1 || ok && d.Epoch < before.Epoch {
			c.broken("deliveries", fmt.Sprintf("place %d of an inbox follows %d", d.InboxSeq, before.InboxSeq), d.Authority, d.ID)
		}
		last[d.Authority] = d
		byCase[d.Authority+" "+d.Case] = append(byCase[d.Authority+" "+d.Case], d)
	}
	for _, a := range sorted(c.Ledger.Counters) {
		if n := c.Ledger.Counters[a].Seq; n != last[a].InboxSeq {
			c.broken("inbox_counters", fmt.Sprintf("the counter stands at %d, the inbox ends at %d", n, last[a].InboxSeq), a)
		}
	}
	for _, key := range sorted(byCase) {
		found := byCase[key]
		slices.SortFunc(found, func(a, b rows.Delivery) int { return cmp.Compare(a.Seq, b.Seq) })
		for i, d := range found {
			if d.Sequence != int64(i)+1 {
				c.broken("deliveries", fmt.Sprintf("an authority sees number %d of a case at place %d", d.Sequence, i+1), d.Authority, d.Case, d.ID)
			}
		}
	}
}

// reads checks what recipients saw: a place shows one thing for ever, and the numbers of a case come in their order.
func (c *court) reads() {
	at := map[string]string{}
	next := map[string]int64{}
	for _, e := range c.Exchanges {
		items, _ := e.Items()
		for _, it := range items {
			c.saw()
			place := e.Authority + " " + it.Cursor
			if first, seen := at[place]; seen && first != it.Delivery {
				c.broken(e.Place.String(), "a place in an inbox showed two deliveries", it.Cursor, first, it.Delivery)
			}
			at[place] = it.Delivery
			key := e.Authority + " " + it.Case
			if it.Sequence > next[key]+1 {
				c.broken(e.Place.String(), fmt.Sprintf("a recipient saw number %d of a case behind number %d", it.Sequence, next[key]), it.Delivery)
			}
			next[key] = max(next[key], it.Sequence)
		}
	}
}
