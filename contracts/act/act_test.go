package act_test

import (
	"regexp"
	"testing"

	"github.com/efa-broker/efa-broker/contracts/act"
)

func TestEachActHasReasonsOfItsOwn(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`^[a-z][a-z_]{2,40}$`)
	seen := map[act.Reason]act.Kind{}
	for _, k := range []act.Kind{act.Erase, act.Hold, act.LiftHold, act.Rewrap} {
		if len(act.Reasons(k)) < 2 {
			t.Errorf("%s has %d reasons", k, len(act.Reasons(k)))
		}
		for _, r := range act.Reasons(k) {
			if other, twice := seen[r]; twice || !code.MatchString(string(r)) || !r.Fits(k) {
				t.Errorf("%s of %s: no code, or also one of %s", r, k, other)
			}
			seen[r] = k
			for _, other := range []act.Kind{act.Erase, act.Hold, act.LiftHold, act.Rewrap, "unknown"} {
				if other != k && r.Fits(other) {
					t.Errorf("%s fits %s and %s", r, k, other)
				}
			}
		}
	}
}
