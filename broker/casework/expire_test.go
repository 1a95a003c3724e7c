package casework_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/casework"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/internal/watermark"
	"github.com/efa-broker/efa-broker/broker/ledger"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/contractstest"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
	"github.com/efa-broker/efa-broker/contracts/task"
)

const ms = time.Millisecond

// hearing is casework over the real ledger, with a clock that stands until it is set. Every task is due at the same
// instant.
type hearing struct {
	t       *testing.T
	db      *sqlstore.DB
	clock   *contractstest.Clock
	ledger  *ledger.Ledger
	work    *casework.Casework
	replica *watermark.Replica
	due     time.Time
	holder  authority.ID
}

// effects is a catalogue whose law records say by their names what silence means.
type effects struct{ book }

func (effects) Deadline(_ context.Context, _, id string) (law.DeadlineRecord, error) {
	return law.DeadlineRecord{ID: id, LegalBasis: "BauGB § 36(2)", Days: 30, SilenceEffect: law.SilenceEffect(id)}, nil
}

func heard(t *testing.T) *hearing {
	t.Helper()
	start := contractstest.Start()
	h := &hearing{t: t, clock: contractstest.NewClock(), due: start.Add(30 * 24 * time.Hour), holder: "gewerbeamt-nuernberg"}
	h.db = sqlstoretest.OpenAt(t, h.clock.Now)
	h.ledger = ledger.New(ledger.Config{DB: h.db, Operator: "bayern", Key: ledger.NewKey(make([]byte, 32))})
	h.replica = h.another("replica/a")
	h.work = casework.New(casework.Config{
		DB: h.db, Ledger: h.ledger, Catalogue: effects{}, Routing: book{}, Ingress: h.replica, Contents: book{}, Access: rules{},
		Due: func(law.DeadlineRecord, time.Time) *time.Time { return &h.due }, Operator: "bayern",
	})
	h.ledger.Project(h.work.Project)
	err := h.db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := h.ledger.Append(t.Context(), tx, event.Draft{
			ID: "portal/1", Source: "s", Type: event.TypeCaseSubmitted, Case: theCase, Tenant: "muenchen",
			Data: event.CaseSubmitted{Service: "local:hearing", Procedure: procedure.Notification, Lead: "gewerbeamt-muenchen"},
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// another is a replica of the broker on the same database.
func (h *hearing) another(source string) *watermark.Replica {
	h.t.Helper()
	r := watermark.New(watermark.Config{DB: h.db, Source: source, TTL: time.Hour})
	if err := r.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return r
}

// assign gives out the task of the step "hear" under an effect and returns its id.
func (h *hearing) assign(effect law.SilenceEffect) string {
	h.t.Helper()
	res, err := h.work.Assign(h.t.Context(), engine.Assign{
		Command: h.command("hear", 1), Role: authority.Previous, Authority: h.holder, Law: string(effect), Outcomes: []string{"agreed", "objected"},
		Purpose: "notice.forward", Basis: "eu-gdpr:A6-1-c",
	})
	if err != nil || !res.Due.Equal(h.due) || res.SilenceEffect != effect {
		h.t.Fatalf("%+v, %v", res, err)
	}
	return res.Task
}

func (h *hearing) command(step string, after int64) engine.Command {
	return engine.Command{StepKey: engine.StepKey{Case: theCase, Step: step, Pass: 1}, AfterSeq: after}
}

// expire gives the process's command after all events up to after.
func (h *hearing) expire(step string, after int64) (engine.Result, error) {
	return h.work.Expire(h.t.Context(), engine.Expire{Command: h.command(engine.ExpiryStep(step), after), Task: theCase + "." + step + ".1"})
}

// receive reads a request in full at an instant.
func (h *hearing) receive(r *watermark.Replica, at time.Time) (event.Reception, func()) {
	h.t.Helper()
	h.clock.Set(at)
	stamp, release, err := r.Receive()
	if err != nil {
		h.t.Fatal(err)
	}
	return stamp, release
}

// answer is a request that was received at an instant and is handled at once.
func (h *hearing) answer(id, outcome string, at time.Time) (task.Task, error) {
	h.t.Helper()
	stamp, release := h.receive(h.replica, at)
	defer release()
	return h.work.Complete(h.t.Context(), system(h.holder), id, casework.Answer{Received: stamp, Outcome: outcome})
}

// told lists the types of the case's events after the assignment.
func (h *hearing) told() []string {
	h.t.Helper()
	events, err := h.ledger.CaseEvents(h.t.Context(), h.db.Read(), theCase, 2, 100)
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		out = append(out, e.Type)
	}
	return out
}

// While the engine is down nobody expires anything; still each answer counts by the instant of its receipt.
func TestAnAnswerCountsByItsReceiptWhileTheEngineIsDown(t *testing.T) {
	t.Parallel()
	recorded := []string{event.TypeTaskCompleted}
	behind := []string{event.TypeTaskExpired, event.TypeTaskCompleted}
	for _, c := range []struct {
		effect law.SilenceEffect
		after  time.Duration
		want   []string // nothing: Conflict
	}{
		{law.DeemedGranted, -ms, recorded},
		{law.DeemedGranted, 0, recorded},
		{law.DeemedGranted, ms, nil},
		{law.DeemedGranted, 48 * time.Hour, nil},
		{law.Disregardable, -ms, recorded},
		{law.Disregardable, 0, recorded},
		{law.Disregardable, watermark.Tolerance + ms, behind},
		{law.None, -ms, recorded},
		{law.None, ms, recorded},
		{law.None, 48 * time.Hour, recorded},
	} {
		t.Run(fmt.Sprintf("%s after %s", c.effect, c.after), func(t *testing.T) {
			t.Parallel()
			h := heard(t)
			id := h.assign(c.effect)
			at := h.due.Add(c.after)
			got, err := h.answer(id, "agreed", at)
			if diff := cmp.Diff(c.want, h.told()); diff != "" {
				t.Errorf("events: %s", diff)
			}
			if c.want == nil {
				if contracts.KindOf(err) != contracts.Conflict || err == nil {
					t.Errorf("answered %v, want a conflict", err)
				}
				return
			}
			if err != nil || got.State != task.Completed || got.Outcome != "agreed" || !got.CompletedAt.Equal(at) {
				t.Errorf("%+v, %v", got, err)
			}
			h.clock.Set(h.due.Add(72 * time.Hour))
			if again, err := h.answer(id, "agreed", h.due.Add(72*time.Hour)); err != nil || !again.CompletedAt.Equal(at) {
				t.Errorf("the same answer again: %+v, %v", again, err)
			}
		})
	}
}

// A late answer that has to be recorded behind the expiry waits as the expiry does; a caller repeats it.
func TestALateAnswerWaitsWithTheExpiryForIngress(t *testing.T) {
	t.Parallel()
	h := heard(t)
	id := h.assign(law.Disregardable)
	h.clock.Set(h.due.Add(-time.Second))
	other := h.another("replica/b")
	early, release := h.receive(other, h.due.Add(-ms))
	if _, err := h.answer(id, "objected", h.due.Add(2*time.Second)); contracts.KindOf(err) != contracts.Unavailable {
		t.Fatalf("recorded before the one that was in time: %v", err)
	}
	first, err := h.work.Complete(t.Context(), system(h.holder), id, casework.Answer{Received: early, Outcome: "agreed"})
	if release(); err != nil || first.Outcome != "agreed" {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := h.answer(id, "objected", h.due.Add(3*time.Second)); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("a second answer: %v", err)
	}
	if diff := cmp.Diff([]string{event.TypeTaskCompleted}, h.told()); diff != "" {
		t.Error(diff)
	}
}

func TestAfterSilenceNobodyIsNotCompetentAnyMore(t *testing.T) {
	t.Parallel()
	for _, effect := range []law.SilenceEffect{law.DeemedGranted, law.Disregardable} {
		h := heard(t)
		id := h.assign(effect)
		stamp, release := h.receive(h.replica, h.due.Add(time.Minute))
		if _, err := h.work.Return(t.Context(), system(h.holder), stamp, id); contracts.KindOf(err) != contracts.Conflict {
			t.Errorf("%s: %v", effect, err)
		}
		release()
		if got := h.told(); len(got) != 0 {
			t.Errorf("%s: %v", effect, got)
		}
	}
}

// The engine was down when the task was answered in time, and comes back after the due instant: the answer is news, the
// expiry is not recorded. One that was received later loses, wherever it stands.
func TestExpiryLosesToWhatWasReceivedByTheDueInstantAndToNothingElse(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{-ms, 0} {
		h := heard(t)
		id := h.assign(law.DeemedGranted)
		if _, err := h.answer(id, "objected", h.due.Add(after)); err != nil {
			t.Fatal(err)
		}
		h.clock.Set(h.due.Add(time.Hour))
		res, err := h.expire("hear", 1)
		if err != nil || len(res.Later) != 1 || res.Later[0].Outcome != "objected" || !res.Later[0].At.Equal(h.due.Add(after)) {
			t.Fatalf("%+v, %v", res, err)
		}
		if _, err := h.expire("hear", 2); contracts.KindOf(err) != contracts.Conflict || err == nil {
			t.Errorf("expired over an answer that it knows: %v", err)
		}
	}
	h := heard(t)
	id := h.assign(law.Disregardable)
	if _, err := h.answer(id, "objected", h.due.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if res, err := h.expire("hear", 1); err != nil || len(res.Later) != 1 {
		t.Fatalf("the late answer is news: %+v, %v", res, err)
	}
	if res, err := h.expire("hear", 2); err != nil || res.Task != id || res.EngineSeq != 2 {
		t.Errorf("the expiry that it recorded: %+v, %v", res, err)
	}
	if diff := cmp.Diff([]string{event.TypeTaskExpired, event.TypeTaskCompleted}, h.told()); diff != "" {
		t.Error(diff)
	}
}

// The legal time is the due instant, however late the timer fires; a repeated command changes nothing; the expiry is not
// handed over to the process that asked for it.
func TestTheLegalTimeOfAnExpiryIsTheDueInstant(t *testing.T) {
	t.Parallel()
	for effect, late := range map[law.SilenceEffect]contracts.Kind{law.DeemedGranted: contracts.Conflict, law.Disregardable: contracts.Internal} {
		h := heard(t)
		id := h.assign(effect)
		for _, after := range []time.Duration{-ms, 0, ms, watermark.Tolerance} {
			h.clock.Set(h.due.Add(after))
			if _, err := h.expire("hear", 1); contracts.KindOf(err) != contracts.Unavailable {
				t.Errorf("%s: %s after the due instant: %v", effect, after, err)
			}
		}
		h.clock.Set(h.due.Add(5 * time.Hour))
		first, err := h.expire("hear", 1)
		if err != nil || !first.Due.Equal(h.due) || first.SilenceEffect != effect {
			t.Fatalf("%+v, %v", first, err)
		}
		if again, err := h.expire("hear", 1); err != nil || !cmp.Equal(first, again) {
			t.Errorf("again %+v, %v", again, err)
		}
		events, err := h.ledger.CaseEvents(t.Context(), h.db.Read(), theCase, 2, 10)
		if err != nil || len(events) != 1 || events[0].EngineSeq != 0 {
			t.Fatalf("%+v, %v", events, err)
		}
		var d event.TaskExpired
		if err := json.Unmarshal(events[0].Data, &d); err != nil || !d.Expired.Equal(h.due) || d.SilenceEffect != effect || d.Task != id {
			t.Errorf("%+v, %v", d, err)
		}
		if got, err := h.work.Task(t.Context(), system(h.holder), id); err != nil || got.State != task.Expired || got.Overdue(h.clock.Now()) {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := h.answer(id, "agreed", h.due.Add(6*time.Hour)); err == nil && late != contracts.Internal || err != nil && contracts.KindOf(err) != late {
			t.Errorf("%s: answered after the expiry: %v", effect, err)
		}
	}
}

func TestSilenceThatSaysNothingNeverExpiresATask(t *testing.T) {
	t.Parallel()
	h := heard(t)
	id := h.assign(law.None)
	h.clock.Set(h.due.Add(1000 * time.Hour))
	if _, err := h.expire("hear", 1); contracts.KindOf(err) != contracts.Conflict || err == nil {
		t.Errorf("expired: %v", err)
	}
	if _, err := h.expire("other", 1); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("a task that is not there: %v", err)
	}
	overdue := engine.Move{Command: h.command("hear/overdue", 1), Attention: engine.Overdue}
	if _, err := h.work.Move(t.Context(), overdue); err != nil {
		t.Fatal(err)
	}
	lead := system("gewerbeamt-muenchen")
	if c, err := h.work.Case(t.Context(), lead, theCase); err != nil || c.Attention != engine.Overdue {
		t.Errorf("%+v, %v", c, err)
	}
	if got, err := h.work.Task(t.Context(), system(h.holder), id); err != nil || got.State != task.Assigned || !got.Overdue(h.clock.Now()) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := h.answer(id, "agreed", h.due.Add(1001*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if c, err := h.work.Case(t.Context(), lead, theCase); err != nil || c.Attention != "" {
		t.Errorf("a person is still called: %+v, %v", c, err)
	}
}

// A request that another replica had in hand at the due instant holds the expiry up until it is recorded, or until that
// replica does not answer any more; then what it has in hand is not taken.
func TestExpiryWaitsForRequestsInHandAndLeavesOutWhoHasGone(t *testing.T) {
	t.Parallel()
	h := heard(t)
	id := h.assign(law.DeemedGranted)
	own, releaseOwn := h.receive(h.replica, h.due.Add(-2*ms))
	other := h.another("replica/b")
	stale, releaseStale := h.receive(other, h.due.Add(-ms))
	h.clock.Set(h.due.Add(time.Minute))
	waits := func(why string) {
		t.Helper()
		if err := other.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.expire("hear", 1); contracts.KindOf(err) != contracts.Unavailable {
			t.Fatalf("%s: %v", why, err)
		}
	}
	waits("both have a request in hand")
	releaseOwn()
	waits("the other one has")
	if err := other.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	waits("it said so again")
	h.clock.Set(h.due.Add(2 * time.Hour)) // the other one has stopped: its lease has lapsed
	if _, err := h.expire("hear", 1); err != nil {
		t.Fatalf("not expired over who has gone: %v", err)
	}
	_, err := h.work.Complete(t.Context(), system(h.holder), id, casework.Answer{Received: stale, Outcome: "agreed"})
	if releaseStale(); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("what it had in hand was answered with %v, want unavailable: it may send it again", err)
	}
	if _, err := h.work.Complete(t.Context(), system(h.holder), id, casework.Answer{Received: own, Outcome: "agreed"}); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("an answer that was released before it was recorded: %v", err)
	}
	if err := other.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stamp, release := h.receive(other, h.clock.Now()); stamp.Epoch == stale.Epoch {
		release()
		t.Error("it goes on under the epoch that was left out")
	}
}

// Offices answer around the due instant while the expiry is asked for again and again. Whoever was received by the due
// instant wins, whoever was received after it loses, in whatever order the transactions come.
func TestTheReceiptDecidesTheRaceOfAnswerAndExpiry(t *testing.T) {
	t.Parallel()
	for round := range 12 {
		h := heard(t)
		id := h.assign(law.DeemedGranted)
		inTime := round%2 == 0
		at := h.due.Add(ms)
		if inTime {
			at = h.due
		}
		stamp, release := h.receive(h.replica, at)
		h.clock.Set(h.due.Add(time.Hour))
		var wg sync.WaitGroup
		var answered error
		wg.Go(func() {
			defer release()
			_, answered = h.work.Complete(context.WithoutCancel(t.Context()), system(h.holder), id, casework.Answer{Received: stamp, Outcome: "objected"})
		})
		var expired bool
		wg.Go(func() {
			for after := int64(1); ; {
				res, err := h.expire("hear", after)
				switch {
				case err == nil && len(res.Later) == 0:
					expired = true
					return
				case err == nil:
					after = res.Later[len(res.Later)-1].EngineSeq
				case contracts.KindOf(err) != contracts.Unavailable:
					return
				}
			}
		})
		wg.Wait()
		if inTime != (answered == nil) || inTime == expired {
			t.Errorf("round %d: in time %v, answered %v, expired %v", round, inTime, answered, expired)
		}
		want := event.TypeTaskExpired
		if inTime {
			want = event.TypeTaskCompleted
		}
		if diff := cmp.Diff([]string{want}, h.told()); diff != "" {
			t.Errorf("round %d: %s", round, diff)
		}
	}
}
