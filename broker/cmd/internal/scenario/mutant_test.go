//go:build faults

package scenario

import (
	"fmt"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/verdict"
	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// TestTheCheckerNoticesEveryMutant breaks the broker on purpose; the checker turns red each time, by the rule that the
// fault breaks.
func TestTheCheckerNoticesEveryMutant(t *testing.T) {
	t.Parallel()
	// What must be said; a broker that still works may break further rules for a moment.
	finds := map[fault.Mutant][2]string{
		fault.NoDedupe:                 {verdict.Duplicate, "one submission opened two cases"},
		fault.PublishBeforeCommit:      {verdict.Phantom, "the event log holds an event that the ledger does not hold"},
		fault.SkipAnnouncementDecision: {verdict.Authorised, "an authority was told of a case without a recorded decision"},
		fault.SkipFetchDecision:        {verdict.Authorised, "content was handed over without a recorded decision"},
		fault.ReleaseUnfiltered:        {verdict.Leak, "which the decision does not release"},
		fault.DropOutboxRow:            {verdict.Lost, "an event has no outbox row and is not in the event log"},
		fault.SwapEvents:               {verdict.Order, "the event log holds event"},
		fault.ContentInEvent:           {verdict.Leak, "content stands in the event log"},
		fault.WrongTenant:              {verdict.Authorised, "an item stands in the inbox of an authority"},
	}
	at := map[fault.Mutant]string{fault.DropOutboxRow: ":3", fault.WrongTenant: ":2"}
	for _, m := range fault.Mutants() {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.want(2)
			o := orders{mutant: string(m) + at[m]}
			if m == fault.PublishBeforeCommit {
				o.crash = string(fault.LedgerAppended) // what was published is never committed
			}
			b := w.start(o)
			w.submit(b)
			if o.crash != "" {
				b.crashed(o.crash)
				b = w.start(orders{})
				w.submit(b)
			}
			want := finds[m]
			var said []string
			for range attempts {
				r := w.judge("--log", w.dump(b, event.Topic))
				if said = found(r, want[0], want[1]); len(said) > 0 {
					t.Logf("broken: %v; %s", broken(r), said[0])
					break
				}
				w.breathe(b)
			}
			b.end()
			if len(said) == 0 {
				t.Errorf("%s was not noticed by the rule %s", m, want[0])
			}
		})
	}
}

// found lists what a rule found that says text.
func found(r verdict.Report, rule, text string) (out []string) {
	for _, result := range r.Rules {
		for _, v := range result.Violations {
			if result.Rule == rule && strings.Contains(v.What, text) {
				out = append(out, fmt.Sprintf("%s: %s: %s %v", rule, v.Where, v.What, v.IDs))
			}
		}
	}
	return out
}
