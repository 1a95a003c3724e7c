//go:build faults

package scenario

import (
	"slices"
	"testing"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/verdict"
	"github.com/efa-broker/efa-broker/broker/internal/fault"
)

// TestTheCheckerNoticesEveryMutant breaks the broker on purpose; the checker turns red each time, by the rule that the
// fault breaks.
func TestTheCheckerNoticesEveryMutant(t *testing.T) {
	t.Parallel()
	rules := map[fault.Mutant]string{
		fault.NoDedupe: verdict.Duplicate, fault.PublishBeforeCommit: verdict.Phantom, fault.SkipAnnouncementDecision: verdict.Authorised,
		fault.SkipFetchDecision: verdict.Authorised, fault.NoFilter: verdict.Leak, fault.DropOutboxRow: verdict.Lost,
		fault.SwapEvents: verdict.Order, fault.ContentInEvent: verdict.Leak, fault.WrongTenant: verdict.Authorised,
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
			var r verdict.Report
			for range attempts {
				if r = w.judge("--log", w.dump(b)); slices.Contains(broken(r), rules[m]) {
					break
				}
				w.breathe(b)
			}
			b.kill()
			t.Logf("broken: %v", broken(r))
			if !slices.Contains(broken(r), rules[m]) {
				t.Errorf("%s was not noticed by the rule %s", m, rules[m])
			}
			for _, rule := range r.Rules {
				for _, v := range rule.Violations {
					t.Logf("%s: %s: %s %v", rule.Rule, v.Where, v.What, v.IDs)
				}
			}
		})
	}
}
