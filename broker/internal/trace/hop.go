package trace

import "github.com/efa-broker/efa-broker/contracts/event"

// ByHop are trace contexts by case_seq; see Hops.
type ByHop map[int64]string

// Hops are the hops by which the events of one case came. A consumer handles what the ledger holds, and the ledger does not
// know by which record it learned of an event. It is nil when no event came by a hop.
func Hops(events []event.Recorded, caseID string) ByHop {
	var out ByHop
	for _, e := range events {
		if e.Case != caseID || e.Hop == "" {
			continue
		}
		if out == nil {
			out = ByHop{}
		}
		out[e.CaseSeq] = e.Hop
	}
	return out
}
