//go:build faults

package scenario

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/verdict"
	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// resume is how soon work is to go on after a restart; reported, and a wait is bounded by patience.
const resume = 15 * time.Second

// pass chooses at which pass of a point to die, at most as late as the last of the new submissions has it. What happens once
// per erasure or forged record dies there.
func pass(p fault.Point, random *rand.Rand, submissions int) int {
	once := []fault.Point{fault.DeadletterWritten, fault.ErasureJournalled, fault.ErasureKeyDeleted, fault.ErasureRewrapped}
	if slices.Contains(once, p) {
		return 1
	}
	return 1 + random.IntN(submissions)
}

// kill is a place at which a process dies; the standalone broker's has no name.
type kill struct {
	process string
	point   fault.Point
}

// TestEveryRuleHoldsWhereverTheBrokerIsKilled kills the broker once at every crash point in the midst of new cases, on one
// data directory, and judges what is left after each kill; in the end every case is whole and everything is accounted
// for. Each kill comes with ten new submissions at least, beside what was left by the kills before. With EFA_NIGHTLY there
// are so many that 200 cases are open or on their way in when the broker starts, or as many as FAULT_CASES says, and all is
// done with three seeds. What was interrupted may kill the broker while it starts, before it takes anything in.
func TestEveryRuleHoldsWhereverTheBrokerIsKilled(t *testing.T) {
	t.Parallel()
	var kills []kill
	for _, p := range fault.Points() {
		kills = append(kills, kill{point: p})
	}
	cases, seeds := extent()
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			killEverywhere(t, newWorld(t), kills, cases, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

// fresh is how many submissions are new at each kill.
const fresh = 10

// extent is how many cases are open or on their way in at least when a process starts that is to be killed, and which seeds are run.
func extent() (cases int, seeds []uint64) {
	if os.Getenv("EFA_NIGHTLY") == "" {
		return fresh, []uint64{1}
	}
	if n, err := strconv.Atoi(os.Getenv("FAULT_CASES")); err == nil && n > 0 {
		return n, []uint64{1, 2, 3}
	}
	return 200, []uint64{1, 2, 3}
}

func killEverywhere(t *testing.T, w *world, kills []kill, cases int, random *rand.Rand) {
	t.Helper()
	var answered, worked time.Duration
	var left verdict.Figures
	for _, k := range kills {
		more := max(fresh, cases-(left.Cases-left.Closed)-w.unanswered())
		o := orders{process: k.process, crash: fmt.Sprintf("%s:%d", k.point, pass(k.point, random, more))}
		w.want(more)
		w.recorder.watch()
		b := w.start(o)
		went := make(chan struct{})
		go func() {
			defer close(went)
			w.provoke(b, k.point)
		}()
		b.crashed(o.crash)
		<-went
		first, office := w.recorder.watch()
		answered, worked = max(answered, first), max(worked, office)
		r := w.judge()
		w.wantWhole("killed at "+k.process+" "+o.crash, r)
		left = r.Figures
		t.Logf("%s %s: ready %t, %d new submissions, then %d cases of %d closed; a good answer after %s, to an office after %s",
			k.process, o.crash, b.ready != "", more, left.Closed, left.Cases, first.Round(time.Millisecond), office.Round(time.Millisecond))
	}
	w.finish()
	t.Logf("%d kills, %d submissions; after a restart work went on within %s, that of offices within %s (to reach: %s)",
		len(kills), len(w.wanted), answered.Round(time.Millisecond), worked.Round(time.Millisecond), resume)
}

// provoke makes the broker pass p.
func (w *world) provoke(b *broker, p fault.Point) {
	if b.ready == "" {
		return // it died while it started, for what was interrupted before
	}
	if p == fault.DeadletterWritten {
		w.forge(b)
	}
	if p == fault.ErasureJournalled {
		next := w.wanted[w.erased].caseID
		w.erased++
		w.whole(b, next)
		_, _ = b.as("operator-bayern").EraseCaseWithResponse(w.tb.Context(), uuid.MustParse(next), client.EraseCaseJSONRequestBody{Reason: "erasure_requested"}) // it dies
	}
	w.submit(b)
}

// finish lets everything come to its end and wants it whole.
func (w *world) finish() {
	w.tb.Helper()
	b := w.start(orders{})
	if b.ready == "" {
		w.tb.Fatalf("the broker does not start any more: %s", b.lastOf())
	}
	w.settle(b)
	for range attempts {
		if w.judge().Figures.Open == 0 {
			break
		}
		w.breathe(b)
	}
	further := []string{"--log", w.dump(b, event.Topic), "--outbox", w.dump(b, w.speakers.topics()...)}
	for _, path := range w.form.remains() {
		further = append(further, "--nowhere", path)
	}
	r := w.judge(further...)
	w.wantWhole("in the end", r)
	f := r.Figures
	if f.Open != 0 || f.Closed != f.Cases || f.Unknown != 0 || f.Accepted < len(w.wanted) || f.Canaries < len(w.wanted) || f.Records == 0 || f.Answers == 0 || f.Seen == 0 || len(r.Rules) != 8 {
		w.tb.Errorf("not everything came to its end or was looked at: %+v", f)
	}
	w.tb.Logf("%+v", f)
	b.end()
}

// breathe waits for the next event of a case, at most a second.
func (w *world) breathe(b *broker) {
	wait, after := 1, int64(1<<40)
	_, _ = b.as("operator-bayern").ListCaseEventsWithResponse(w.tb.Context(), uuid.MustParse(w.wanted[0].caseID), &client.ListCaseEventsParams{AfterSeq: &after, WaitSeconds: &wait})
}
