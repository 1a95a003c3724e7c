package verdict

import "github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/rows"

// Types of events and names of consumers, as the catalogue has them.
const (
	submitted = "de.efa.case.submitted.v1"
	assigned  = "de.efa.task.assigned.v1"
	announced = "de.efa.content.announced.v1"
	completed = "de.efa.task.completed.v1"
	returned  = "de.efa.task.returned.v1"
	expired   = "de.efa.task.expired.v1"
	linked    = "de.efa.case.linked.v1"
	ended     = "de.efa.case.closed.v1"
	receipted = "de.efa.case.acknowledged.v1"
	wiped     = "de.efa.case.erased.v1"
	disclosed = "de.efa.disclosure.recorded.v1"
	refused   = "de.efa.disclosure.refused.v1"

	starter  = "efa.starter"
	delivery = "efa.delivery"
)

func (j *judge) lost() {
	c := j.rule(Lost)
	defer c.close()
	for _, id := range sorted(j.accepted) {
		c.saw()
		for _, claim := range j.accepted[id] {
			if len(j.Ledger.Events[claim.Case]) == 0 {
				c.broken(claim.Place.String(), "an acknowledged submission has no case", id, claim.Case)
			}
		}
	}
	logged := map[rows.Seq]bool{}
	for _, r := range j.Records {
		logged[rows.Seq{Case: r.Case(), N: r.Seq()}] = true
	}
	for _, caseID := range sorted(j.Ledger.Events) {
		for _, e := range j.Ledger.Events[caseID] {
			c.saw()
			c.lostEvent(e, logged)
		}
	}
	c.answers()
	for _, task := range sorted(j.Ledger.Tasks) {
		if len(j.Ledger.Events[j.Ledger.Tasks[task]]) == 0 {
			c.broken("tasks", "a task has no case", task)
		}
	}
}

func (c *court) lostEvent(e rows.Event, logged map[rows.Seq]bool) {
	at := rows.Seq{Case: e.Case, N: e.Seq}
	published, row := c.Ledger.Outbox[at]
	switch {
	case !row && !logged[at]:
		c.broken("outbox", "an event has no outbox row and is not in the event log", e.ID)
	case row && published && c.Records != nil && !logged[at]:
		c.broken("event log", "an event that was published is not there", e.ID)
	}
	if e.Type == ended {
		c.report.Figures.Closed++
	}
	open := row && !published
	if e.EngineSeq > 0 && c.Ledger.Positions[starter][e.Case] < e.Seq && !c.aside(e, starter) {
		open = true
	}
	if (e.Type == assigned || e.Type == announced) && !c.delivered(e) && !c.aside(e, delivery) {
		open = true
		if c.Ledger.Positions[delivery][e.Case] >= e.Seq {
			c.broken("deliveries", "delivery has passed an event and its authority has nothing in its inbox", e.ID, e.About.Authority)
		}
	}
	if open {
		c.report.Figures.Open++
	}
}

// delivered reports whether the inbox of the authority that the event names has it.
func (j *judge) delivered(e rows.Event) bool {
	for _, d := range j.inbox[e.ID] {
		if d.Authority == e.About.Authority {
			return true
		}
	}
	return false
}

// aside reports whether the case was put aside for a consumer at this event or before it.
func (j *judge) aside(e rows.Event, consumer string) bool {
	for _, l := range j.Ledger.Letters {
		if l.Case == e.Case && l.Seq <= e.Seq && (l.Consumer == "" || l.Consumer == consumer) && (l.State == "parked" || l.State == "dead") {
			return true
		}
	}
	return false
}
