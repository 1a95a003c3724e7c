package reconcile

import (
	"math/rand/v2"
	"testing"
)

// TestSeenIsASetOfSequences compares ranges with a plain set, for sequences in any order with repeats.
func TestSeenIsASetOfSequences(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var s seen
		plain := map[int64]bool{}
		for range rng.IntN(60) {
			n := rng.Int64N(30) + 1
			s, plain[n] = s.add(n), true
		}
		for n := range int64(32) {
			if s.has(n) != plain[n] {
				t.Fatalf("seed %d: has(%d) = %v in %v", seed, n, s.has(n), s)
			}
			whole, above := true, int64(0)
			for i := int64(1); i <= n; i++ {
				whole = whole && plain[i]
			}
			for i := range plain {
				if i > n {
					above++
				}
			}
			if s.covers(n) != whole || s.above(n) != above {
				t.Fatalf("seed %d: covers(%d) = %v, above = %d in %v", seed, n, s.covers(n), s.above(n), s)
			}
		}
		for i := 1; i < len(s); i++ {
			if s[i].first <= s[i-1].last+1 {
				t.Fatalf("seed %d: ranges touch: %v", seed, s)
			}
		}
	}
}
