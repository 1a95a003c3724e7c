//go:build faults

package scenario

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// resume is how soon work goes on after a restart; reported, and a wait is bounded by patience.
const resume = 15 * time.Second

// pass chooses at which pass of a point to die. What happens once per erasure or forged record dies there.
func pass(p fault.Point, random *rand.Rand, cases int) int {
	once := []fault.Point{fault.DeadletterWritten, fault.ErasureJournalled, fault.ErasureKeyDeleted, fault.ErasureRewrapped}
	if slices.Contains(once, p) {
		return 1
	}
	return 1 + random.IntN(cases)
}

// TestEveryRuleHoldsWhereverTheBrokerIsKilled kills the broker once at every crash point in the midst of new cases, on one
// data directory, and judges what is left after each kill; in the end every case is whole and everything is accounted
// for. With EFA_NIGHTLY each of three seeds has 200 cases a point.
func TestEveryRuleHoldsWhereverTheBrokerIsKilled(t *testing.T) {
	t.Parallel()
	cases, seeds := 10, []uint64{1}
	if os.Getenv("EFA_NIGHTLY") != "" {
		cases, seeds = 200, []uint64{1, 2, 3}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			killEverywhere(t, cases, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func killEverywhere(t *testing.T, cases int, random *rand.Rand) {
	t.Helper()
	w := newWorld(t)
	var longest time.Duration
	for _, p := range fault.Points() {
		order := fmt.Sprintf("%s:%d", p, pass(p, random, cases))
		w.want(cases)
		answered, started := w.recorder.watch(), time.Now()
		b := w.start(orders{crash: order})
		went := make(chan struct{})
		go func() {
			defer close(went)
			w.provoke(b, p)
		}()
		select {
		case <-answered:
			longest = max(longest, time.Since(started))
		case <-b.died:
		case <-time.After(patience):
			t.Fatalf("nobody was answered after the restart before %s", order)
		}
		b.crashed(order)
		<-went
		w.wantWhole("killed at "+order, w.judge())
	}
	w.finish()
	t.Logf("%d cases; after a restart work went on within %s (to reach: %s)", len(w.wanted), longest.Round(time.Millisecond), resume)
}

// provoke makes the broker pass p.
func (w *world) provoke(b *broker, p fault.Point) {
	if !b.ready {
		return // it died while it started, for what was interrupted before
	}
	if p == fault.DeadletterWritten {
		w.forge(b)
	}
	if p == fault.ErasureJournalled {
		first := w.wanted[0].caseID
		w.whole(b, first)
		_, _ = b.as("operator-bayern").EraseCaseWithResponse(w.tb.Context(), uuid.MustParse(first), client.EraseCaseJSONRequestBody{Reason: "erasure_requested"}) // it dies
	}
	w.submit(b)
}

// finish lets everything come to its end and wants it whole.
func (w *world) finish() {
	w.tb.Helper()
	b := w.start(orders{})
	if !b.ready {
		w.tb.Fatalf("the broker does not start any more: %s", lastOf(w.dir+".log"))
	}
	w.settle(b)
	for range attempts {
		if w.judge().Figures.Open == 0 {
			break
		}
		w.breathe(b)
	}
	r := w.judge("--log", w.dump(b), "--nowhere", w.dir, "--nowhere", w.dir+".log")
	w.wantWhole("in the end", r)
	f := r.Figures
	if f.Open != 0 || f.Unknown != 0 || f.Accepted < len(w.wanted) || f.Canaries < len(w.wanted) || f.Records == 0 || f.Seen == 0 || len(r.Rules) != 8 {
		w.tb.Errorf("not everything came to its end or was looked at: %+v", f)
	}
	w.tb.Logf("%+v", f)
	b.kill()
}

// breathe waits for the next event of a case, at most a second.
func (w *world) breathe(b *broker) {
	wait, after := 1, int64(1<<40)
	_, _ = b.as("operator-bayern").ListCaseEventsWithResponse(w.tb.Context(), uuid.MustParse(w.wanted[0].caseID), &client.ListCaseEventsParams{AfterSeq: &after, WaitSeconds: &wait})
}
