package verdict

import "fmt"

func (j *judge) conservation() {
	c := j.rule(Conservation)
	defer c.close()
	books := map[string]*Balance{}
	book := func(a string) *Balance {
		if books[a] == nil {
			books[a] = &Balance{Authority: a}
		}
		return books[a]
	}
	for _, events := range j.Ledger.Events {
		for _, e := range events {
			if e.Type != assigned && e.Type != announced {
				continue
			}
			b := book(e.About.Authority)
			b.Announced++
			switch {
			case j.delivered(e):
			case j.aside(e, delivery):
				b.Aside++
			case j.Ledger.Positions[delivery][e.Case] < e.Seq:
				b.Waiting++
			}
		}
	}
	for _, d := range j.Ledger.Deliveries {
		b := book(d.Authority)
		switch d.State {
		case "accepted":
			b.Accepted++
		case "rejected":
			b.Rejected++
		default:
			b.Open++
		}
	}
	for _, a := range sorted(books) {
		c.saw()
		b := *books[a]
		if sum := b.Accepted + b.Rejected + b.Open + b.Waiting + b.Aside; sum != b.Announced {
			c.broken("deliveries", fmt.Sprintf("%d announced, %d accounted for", b.Announced, sum), a)
		}
		c.report.Balance = append(c.report.Balance, b)
	}
}
