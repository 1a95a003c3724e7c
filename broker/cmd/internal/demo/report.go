package demo

import (
	"fmt"
	"slices"
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// Report is what was seen of a run.
type Report struct {
	Example        string
	SubmittedAt    time.Time
	Took           time.Duration
	Acknowledged   bool
	Registration   *CaseReport
	Deregistration *CaseReport
	Explanation    string
	Refused        bool
	Verified       bool
	Receipts       int64
	// Missing lists the steps that were not seen, in German. Empty means that the demo did its whole job.
	Missing []string
}

// CaseReport is what was seen of one case.
type CaseReport struct {
	ID           string
	Content      string
	Lead         authority.ID
	Parties      []authority.Party
	Outcomes     []string
	Announced    []authority.ID
	Acknowledged bool
	Closed       bool
	Completed    bool
	Disclosures  []decision.Disclosure

	fetched map[authority.ID]bool
}

func (r *Report) cases() []*CaseReport {
	if r.Deregistration == nil {
		return []*CaseReport{r.Registration}
	}
	return []*CaseReport{r.Registration, r.Deregistration}
}

// allFetched reports whether everybody who was told has fetched.
func (c *CaseReport) allFetched() bool {
	return !slices.ContainsFunc(c.Announced, func(a authority.ID) bool { return !c.fetched[a] })
}

// lawful is the number of statutory recipients of the first example's cases (GewAnzV § 3): 12 in München, the trade
// office of the old district not counted, and 13 in Nürnberg, the register court among them.
var lawful = [2]int{12, 13}

// check lists what a complete run shows and this one did not.
func (r *Report) check() {
	need := func(seen bool, step string, args ...any) {
		if !seen {
			r.Missing = append(r.Missing, fmt.Sprintf(step, args...))
		}
	}
	need(r.Acknowledged, "signierte Eingangsquittung")
	need(r.Deregistration != nil, "Abmeldung in der bisherigen Stadt")
	need(slices.Equal(r.Registration.Outcomes, []string{"registered", "deregistered"}), "beide Aufgaben erledigt")
	need(r.Registration.Acknowledged, "Empfangsbescheinigung")
	need(r.Explanation != "", "eine Entscheidung in einem Satz")
	need(r.Refused, "abgelehnte Anfrage der Bauaufsicht")
	need(r.Verified, "gültige Quittungskette")
	for i, c := range r.cases() {
		need(c.Closed && c.Completed, "Vorgang %d abgeschlossen", i+1)
		need(len(c.Announced) > 0 && c.allFetched(), "alle Empfänger von Vorgang %d haben abgerufen", i+1)
		need(len(c.Announced) == lawful[i] || r.Example != firstExample, "%d gesetzliche Empfänger in Vorgang %d", lawful[i], i+1)
	}
}
