package ingress_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/ingress"
	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/internal/watermark"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
)

const (
	office  authority.ID = "gewerbeamt-muenchen"
	theCase              = "5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11"
	theTask              = theCase + ".register.1"
)

// world is ingress with everything around it, on a database of its own.
type world struct {
	*testing.T
	db      *sqlstore.DB
	log     *outbox
	private ed25519.PrivateKey

	// machine answers for the principals; nil knows the office's client.
	machine func() (actor.Viewer, error)

	in *ingress.Ingress // the last that was opened

	mu       sync.Mutex
	off      int // looks that found the log's clock off
	due      time.Time
	fail     func(n int) error // the n-th answer's error, from 1
	answers  int
	given    []string // outcome, or what the answer was, in the order of the effects
	receipts []time.Time
	refused  map[int64]cloudevent.FaultError
	senders  map[int64]string
	changed  chan struct{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{
		T: t, db: sqlstoretest.Open(t), log: newOutbox(), private: ed25519.NewKeyFromSeed(make([]byte, 32)),
		refused: map[int64]cloudevent.FaultError{}, senders: map[int64]string{}, changed: make(chan struct{}),
	}
}

func (w *world) ring() seal.Ring {
	return seal.Ring{{
		ID: "k1", Authority: office, Principal: "client", Algorithm: seal.Ed25519, Public: w.private.Public(),
		Begins: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
	}}
}

// open makes an ingress under a holder's name.
func (w *world) open(holder string) *ingress.Ingress {
	w.Helper()
	in, err := ingress.New(ingress.Config{
		DB: w.db, Ring: w.ring(), Outboxes: w.log, Answers: w, Deadlines: w, Principals: w, Refusals: w, Operator: "bayern",
		Leases: lease.Keeper{DB: w.db, Holder: holder, TTL: 100 * time.Millisecond}, Log: slog.New(slog.NewTextHandler(w.Output(), nil)),
		Interval: 5 * time.Millisecond, Pause: 16 * time.Millisecond,
		ClockOff: func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.off++
			w.announce()
		},
	})
	if err != nil {
		w.Fatal(err)
	}
	if err := in.Declare(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.in = in
	return in
}

// run runs an ingress until stop.
func (w *world) run(holder string) (stop func()) {
	w.Helper()
	in := w.open(holder)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.Context()))
	ended := make(chan error, 1)
	go func() { ended <- in.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				w.Error(err)
			}
		})
	}
	w.Cleanup(stop)
	return stop
}

// say is a sealed record that a task was completed.
func (w *world) say(id, outcome string) cloudevent.Record {
	w.Helper()
	return w.sealed(cloudevent.Event{
		ID: id, Type: answer.TypeCompleted, Data: []byte(`{"task_id":"` + theTask + `","outcome":"` + outcome + `"}`),
	})
}

func (w *world) sealed(e cloudevent.Event) cloudevent.Record {
	w.Helper()
	e.Source, e.Subject, e.DataContentType = answer.Source(office), theCase, "application/json"
	e.Extensions = map[string]string{answer.ExtOperator: "bayern"}
	if err := (seal.Signer{KeyID: "k1", Private: w.private}).Seal(&e); err != nil {
		w.Fatal(err)
	}
	return e.Binary()
}

func (w *world) answer(what string, r ingress.Receipt) (ingress.Effect, error) {
	w.mu.Lock()
	w.answers++
	n, fail := w.answers, w.fail
	w.mu.Unlock()
	if fail != nil {
		if err := fail(n); err != nil {
			return nil, err
		}
	}
	if r.Case != theCase || r.Source == "" || r.Epoch == 0 {
		w.Errorf("receipt %+v", r)
	}
	return func(ctx context.Context, tx *sqlstore.Tx) error {
		if err := watermark.Check(ctx, tx, r.Reception); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.given, w.receipts = append(w.given, what), append(w.receipts, r.At)
			w.announce()
		})
		return nil
	}, nil
}

func (w *world) announce() {
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) Complete(_ context.Context, v actor.Viewer, r ingress.Receipt, a answer.Completed) (ingress.Effect, error) {
	if v.Authority != office || v.ID != "client" || a.Task != theTask {
		w.Errorf("%+v completes %s", v, a.Task)
	}
	return w.answer(a.Outcome, r)
}

func (w *world) Return(_ context.Context, _ actor.Viewer, r ingress.Receipt, _ answer.Returned) (ingress.Effect, error) {
	return w.answer("returned", r)
}

func (w *world) Accept(_ context.Context, _ actor.Viewer, r ingress.Receipt, _ answer.Accepted) (ingress.Effect, error) {
	return w.answer("accepted", r)
}

func (w *world) Reject(_ context.Context, _ actor.Viewer, r ingress.Receipt, a answer.Rejected) (ingress.Effect, error) {
	return w.answer(string(a.Reason), r)
}

func (w *world) Due(context.Context, string) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.due, nil
}

func (w *world) NextDue(_ context.Context, _ authority.ID, from time.Time) (time.Time, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.due, !w.due.IsZero() && !w.due.Before(from), nil
}

func (w *world) Machine(_ context.Context, id string) (actor.Viewer, error) {
	if w.machine != nil {
		return w.machine()
	}
	return actor.Viewer{Actor: actor.Actor{ID: id, Role: actor.System, Authority: office}, Operator: "bayern", Tenant: "muenchen"}, nil
}

func (w *world) Refuse(_ context.Context, tx *sqlstore.Tx, r ingress.Record, why ingress.Refusal) error {
	tx.AfterCommit(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.refused[r.Offset], w.senders[r.Offset] = why.Reason, why.Sender
		w.announce()
	})
	return nil
}

// await waits until enough says yes.
func (w *world) await(what string, enough func() bool) {
	w.Helper()
	late := time.After(20 * time.Second)
	for {
		w.mu.Lock()
		ok, changed := enough(), w.changed
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-late:
			w.Fatalf("gave up waiting for %s: given %v, refused %v", what, w.given, w.refused)
		}
	}
}

func (w *world) awaitGiven(want ...string) {
	w.Helper()
	w.await(fmt.Sprint(want), func() bool { return len(w.given) >= len(want) })
	if diff := cmp.Diff(want, w.given); diff != "" {
		w.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestEachAnswerCountsOnceAndGoesOnWhereItWasLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.say("answer-1", "registered")
	w.log.append(time.Now(), first, first, w.say("answer-2", "refused"), w.sealed(cloudevent.Event{ID: "answer-3", Type: answer.TypeReturned, Data: []byte(`{"task_id":"` + theTask + `"}`)}))
	stop := w.run("a")
	w.awaitGiven("registered", "refused", "returned")
	stop()
	w.log.append(time.Now(), first, w.say("answer-4", "granted"))
	w.run("b")
	w.awaitGiven("registered", "refused", "returned", "granted")
	if w.answers != 4 || len(w.refused) > 0 {
		t.Errorf("%d answers were prepared, refused %v", w.answers, w.refused)
	}
}

func TestAnotherBodyUnderAKnownIDIsFlagged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.append(time.Now(), w.say("answer-1", "registered"), w.say("answer-1", "refused"), w.say("answer-2", "granted"))
	w.run("a")
	w.awaitGiven("registered", "granted")
	if w.refused[1] != ingress.ErrEquivocation {
		t.Errorf("refused %v", w.refused)
	}
}

func TestAPassingFaultIsNeverARefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = func(n int) error {
		switch {
		case n <= 30:
			return contracts.Errorf(contracts.Unavailable, "answer", "the database is away")
		case n <= 33:
			return errors.New("a fault of the broker")
		}
		return nil
	}
	w.log.append(time.Now(), w.sealed(cloudevent.Event{ID: "no-answer", Type: "de.efa.case.closed.v1", Data: []byte(`{}`)}), w.say("answer-1", "registered"))
	w.run("a")
	w.awaitGiven("registered")
	if diff := cmp.Diff(map[int64]cloudevent.FaultError{0: ingress.ErrUnknownType}, w.refused); diff != "" {
		t.Errorf("refused: %s", diff)
	}
}

func TestARecordThatCanNeverBeDealtWithStopsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = func(n int) error {
		switch {
		case n == 1:
			panic("a bug")
		case n <= 6:
			return errors.New("a fault of the broker")
		case n == 7:
			return contracts.Errorf(contracts.Conflict, "answer", "it was answered")
		}
		return nil
	}
	w.log.append(time.Now(), w.say("answer-1", "a"), w.say("answer-2", "b"), w.say("answer-3", "c"), w.say("answer-4", "d"))
	w.run("a")
	w.awaitGiven("d")
	want := map[int64]cloudevent.FaultError{0: ingress.ErrPanic, 1: "internal", 2: "conflict"}
	if diff := cmp.Diff(want, w.refused); diff != "" {
		t.Errorf("refused: %s", diff)
	}
	if w.senders[2] != "client" {
		t.Errorf("the sender is %q", w.senders[2])
	}
}

func TestALostTopicIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"shorter": 1, "longer": 6} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.log.append(time.Now(), w.say("answer-1", "a"), w.say("answer-2", "b"), w.say("answer-3", "c"))
			stop := w.run("a")
			w.awaitGiven("a", "b", "c")
			stop()
			w.log.lose()
			want := []string{"a", "b", "c"}
			for i := range n {
				outcome := string(rune('m' + i))
				w.log.append(time.Now(), w.say("answer-new-"+outcome, outcome))
				want = append(want, outcome)
			}
			w.log.append(time.Now(), w.say("answer-1", "a")) // sent again by a sender that cannot know
			w.run("b")
			w.awaitGiven(want...)
			w.log.append(time.Now(), w.say("answer-last", "z"))
			w.awaitGiven(append(want, "z")...)
		})
	}
}

func TestAReaderThatLostItsLeaseCannotWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reading, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.fail = func(int) error {
		once.Do(func() {
			close(reading)
			<-goOn
		})
		return nil
	}
	w.log.append(time.Now(), w.say("answer-1", "a"))
	stop := w.run("a")
	<-reading
	sqlstoretest.Exec(t, w.db, `update leases set holder = 'b', epoch = epoch + 1`)
	close(goOn)
	stop()
	if len(w.given) > 0 {
		t.Errorf("a stale reader wrote %v", w.given)
	}
	sqlstoretest.Exec(t, w.db, `update leases set expires_at = $1`, time.Unix(0, 0))
	w.run("b")
	w.awaitGiven("a")
}

// An authority that speaks Kafka no more holds up no deadline.
func TestDeadlinesWaitForTopicsThatAreReadAndForNoOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open("a")
	sqlstoretest.Exec(t, w.db, `insert into watermarks (source, authority, epoch, watermark, expires_at) values ('efa.outbox.ihk-muenchen/0', 'ihk-muenchen', 1, $1, null)`, time.Unix(0, 0))
	w.open("b")
	due := time.Now().Add(-time.Hour)
	for a, want := range map[authority.ID]contracts.Kind{office: contracts.Unavailable, "ihk-muenchen": contracts.Internal} {
		err := w.caughtUp(a, due)
		if (err == nil) != (want == contracts.Internal) || err != nil && contracts.KindOf(err) != want {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func (w *world) caughtUp(a authority.ID, due time.Time) error {
	return w.db.Write(w.Context(), func(tx *sqlstore.Tx) error { return watermark.CaughtUp(w.Context(), tx, a, due) })
}

// A key counts as long as the machine client that it belongs to may speak, and for that authority only.
func TestAKeyCountsOnlyWithItsMachineClient(t *testing.T) {
	t.Parallel()
	v := func(role actor.Role, a authority.ID, operator authority.OperatorID) func() (actor.Viewer, error) {
		return func() (actor.Viewer, error) {
			return actor.Viewer{Actor: actor.Actor{ID: "client", Role: role, Authority: a}, Operator: operator}, nil
		}
	}
	for name, machine := range map[string]func() (actor.Viewer, error){
		"revoked": func() (actor.Viewer, error) {
			return actor.Viewer{}, contracts.Errorf(contracts.Unauthenticated, "authenticate", "revoked")
		},
		"of another authority": v(actor.System, "gewerbeamt-nuernberg", "bayern"),
		"of another operator":  v(actor.System, office, "hessen"),
		"a portal":             v(actor.Portal, office, "bayern"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.machine = machine
			w.log.append(time.Now(), w.say("answer-1", "registered"))
			w.run("a")
			w.await("a refusal", func() bool { return len(w.refused) == 1 })
			if w.refused[0] != ingress.ErrSenderUnknown || len(w.given) > 0 || w.senders[0] != "" {
				t.Errorf("refused %v of %q, given %v", w.refused, w.senders[0], w.given)
			}
		})
	}
}
