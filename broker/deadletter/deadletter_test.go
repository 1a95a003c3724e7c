package deadletter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/deadletter"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	letter "github.com/efa-broker/efa-broker/contracts/deadletter"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// record is a ledger in memory and an outbox that notes which cases are published again.
type record struct {
	events   map[string][]event.Recorded
	replayed []string
}

func (r *record) CaseEvents(_ context.Context, _ sqlstore.Querier, caseID string, after int64, limit int) ([]event.Recorded, error) {
	var out []event.Recorded
	for _, e := range r.events[caseID] {
		if e.CaseSeq > after && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (r *record) ReplayCase(_ context.Context, caseID string) (int64, error) {
	r.replayed = append(r.replayed, caseID)
	return 1, nil
}

// onlyOperator is the access policy of these tests.
type onlyOperator struct{}

func (onlyOperator) Allow(_ context.Context, in decision.AccessInput) (bool, error) {
	return in.Role == actor.OperatorAdmin, nil
}

var operator = actor.Viewer{Actor: actor.Actor{ID: "operator-bayern", Role: actor.OperatorAdmin}, Operator: "bayern"}

// scene is the domain over three cases with three events each.
type scene struct {
	*testing.T
	place  sqlstore.Config
	db     *sqlstore.DB
	ledger *record
	log    *strings.Builder
	dead   *deadletter.DeadLetters
}

func newScene(t *testing.T) *scene {
	t.Helper()
	place := sqlstoretest.Place(t)
	s := &scene{T: t, place: place, db: sqlstoretest.OpenConfig(t, place), ledger: &record{events: map[string][]event.Recorded{}}, log: &strings.Builder{}}
	for _, c := range []string{"c1", "c2", "c3"} {
		for seq := int64(1); seq <= 3; seq++ {
			s.ledger.events[c] = append(s.ledger.events[c], event.Recorded{
				ID: fmt.Sprintf("%s/%d", c, seq), Source: "urn:efa:operator:bayern", Type: event.TypeCaseAcknowledged, Case: c, Tenant: "muenchen",
				Operator: "bayern", Time: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), CaseSeq: seq, Data: json.RawMessage(`{"step":"s"}`),
			})
		}
	}
	s.dead = deadletter.New(deadletter.Config{
		DB: s.db, Ledger: s.ledger, Access: onlyOperator{}, Operator: "bayern", Pause: time.Microsecond, Interval: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(s.log, nil)),
	})
	s.dead.Through(s.ledger)
	return s
}

// batch names events as "c1/2".
func (s *scene) batch(ids ...string) (out []event.Recorded) {
	for _, id := range ids {
		c, seq, _ := strings.Cut(id, "/")
		out = append(out, s.ledger.events[c][int(seq[0]-'1')])
	}
	return out
}

func (s *scene) letters(state letter.State) []letter.Letter {
	s.Helper()
	out, _, err := s.dead.List(s.Context(), operator, state, "", 100)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// consumer notes what it handled and fails as told for single events.
type consumer struct {
	handled []string
	poison  map[string]func() error
	calls   int
}

func (c *consumer) handle(_ context.Context, events []event.Recorded) error {
	c.calls++
	for _, e := range events {
		if f := c.poison[e.ID]; f != nil {
			if err := f(); err != nil {
				return err
			}
		}
	}
	for _, e := range events {
		if !slices.Contains(c.handled, e.ID) { // repeats are dropped
			c.handled = append(c.handled, e.ID)
		}
	}
	return nil
}

func breaks() error { panic("CANARY in the text of a panic") }

func TestAPoisonEventStopsOnlyItsCase(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	c := &consumer{poison: map[string]func() error{"c1/2": breaks}}
	guarded := s.dead.Guard("efa.delivery", c.handle)
	if err := guarded(t.Context(), s.batch("c1/1", "c2/1", "c1/2", "c3/1", "c1/3", "c2/2")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"c1/1", "c2/1", "c3/1", "c2/2"}; !slices.Equal(c.handled, want) {
		t.Errorf("handled %q", c.handled)
	}
	dead := s.letters(letter.Dead)
	if len(dead) != 1 || dead[0].Reason != letter.Panic || dead[0].Consumer != "efa.delivery" || dead[0].Case != "c1" || dead[0].CaseSeq != 2 || dead[0].Event != "c1/2" {
		t.Fatalf("letters %+v", dead)
	}
	if strings.Contains(s.log.String(), "CANARY") {
		t.Error("the text of the panic stands in the log")
	}
	other := &consumer{}
	if err := s.dead.Guard("efa.starter", other.handle)(t.Context(), s.batch("c1/2")); err != nil || len(other.handled) != 1 {
		t.Errorf("the other consumer is stopped too: %v", err)
	}

	delete(c.poison, "c1/2") // a new program mends it
	if err := guarded(t.Context(), s.batch("c1/3")); err != nil || slices.Contains(c.handled, "c1/3") {
		t.Errorf("the case went on before it was sent again: %v", err)
	}
	resent, err := s.dead.Resend(t.Context(), operator, dead[0].ID, "mended in version 1.1")
	if err != nil || resent.State != letter.Resent || resent.ResentBy != "operator-bayern" || resent.ResentWhy != "mended in version 1.1" || resent.ResentAt == nil {
		t.Fatalf("%+v, %v", resent, err)
	}
	if !slices.Equal(s.ledger.replayed, []string{"c1"}) {
		t.Errorf("published again: %q", s.ledger.replayed)
	}
	if err := guarded(t.Context(), s.batch("c1/2", "c1/3")); err != nil || !slices.Contains(c.handled, "c1/3") {
		t.Errorf("handled %q, %v", c.handled, err)
	}
	if _, err := s.dead.Resend(t.Context(), operator, dead[0].ID, "a second time"); err != nil || len(s.ledger.replayed) != 1 {
		t.Errorf("a repeat sent it again: %v, %q", err, s.ledger.replayed)
	}
}

func TestALetterThatFailsAgainIsTheSameLetter(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	guarded := s.dead.Guard("efa.delivery", (&consumer{poison: map[string]func() error{"c1/1": breaks}}).handle)
	for range 2 {
		if err := guarded(t.Context(), s.batch("c1/1")); err != nil {
			t.Fatal(err)
		}
		dead := s.letters(letter.Dead)
		if len(dead) != 1 {
			t.Fatalf("%d letters", len(dead))
		}
		if _, err := s.dead.Resend(t.Context(), operator, dead[0].ID, "we try once more"); err != nil {
			t.Fatal(err)
		}
	}
	if all := s.letters(""); len(all) != 1 || all[0].Times != 2 {
		t.Errorf("letters %+v", all)
	}
}

func TestAForgedOrAlteredRecordIsRefusedAndNothingFollows(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(e *event.Recorded){
		"a case that does not exist": func(e *event.Recorded) { e.Case = "c9" },
		"a later sequence":           func(e *event.Recorded) { e.CaseSeq = 4 },
		"a sequence that overflows":  func(e *event.Recorded) { e.CaseSeq = -1 << 63 },
		"another id":                 func(e *event.Recorded) { e.ID = "x" },
		"another source":             func(e *event.Recorded) { e.Source = "urn:x" },
		"another type":               func(e *event.Recorded) { e.Type = event.TypeCaseClosed },
		"another tenant":             func(e *event.Recorded) { e.Tenant = "nuernberg" },
		"handed to the process":      func(e *event.Recorded) { e.EngineSeq = 2 },
		"other data":                 func(e *event.Recorded) { e.Data = json.RawMessage(`{"name":"CANARY"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			forged := s.batch("c1/2")[0]
			forge(&forged)
			c := &consumer{}
			if err := s.dead.Guard("efa.delivery", c.handle)(t.Context(), []event.Recorded{s.batch("c1/1")[0], forged, s.batch("c1/3")[0]}); err != nil {
				t.Fatal(err)
			}
			if want := []string{"c1/1", "c1/3"}; !slices.Equal(c.handled, want) {
				t.Errorf("handled %q", c.handled)
			}
			refused := s.letters(letter.Refused)
			if len(refused) != 1 || refused[0].Case != "" || refused[0].Event != "" || refused[0].Type != "" || len(refused[0].Digest) != 64 {
				t.Fatalf("letters %+v", refused)
			}
			if _, err := s.dead.Resend(t.Context(), operator, refused[0].ID, "send it anyway"); contracts.KindOf(err) != contracts.Conflict {
				t.Errorf("resend: %v", err)
			}
		})
	}
}

func TestAHandlerGetsTheLedgersOwnRow(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	e := s.batch("c1/1")[0]
	e.Time, e.TraceParent = e.Time.Add(-time.Hour), "forged"
	var got event.Recorded
	if err := s.dead.Guard("efa.starter", func(_ context.Context, events []event.Recorded) error { got = events[0]; return nil })(t.Context(), []event.Recorded{e}); err != nil {
		t.Fatal(err)
	}
	if !got.Time.Equal(e.Time.Add(time.Hour)) || got.TraceParent != "" {
		t.Errorf("handed on %+v", got)
	}
}

func TestAnEventOfAnUnknownTypeIsParkedAndSentAgainByAProgramThatMayKnowIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.ledger.events["c1"][1].Type = "de.efa.task.assigned.v2"
	c := &consumer{}
	if err := s.dead.Guard("efa.delivery", c.handle)(t.Context(), s.batch("c1/1", "c1/2", "c1/3", "c2/1")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"c1/1", "c2/1"}; !slices.Equal(c.handled, want) {
		t.Errorf("handled %q", c.handled)
	}
	if parked := s.letters(letter.Parked); len(parked) != 1 || parked[0].Reason != letter.UnknownType || parked[0].Case != "c1" || parked[0].CaseSeq != 2 {
		t.Fatalf("letters %+v", parked)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.dead.Run(ctx); err != nil { // the start of the next program
		t.Fatal(err)
	}
	if resent := s.letters(letter.Resent); len(resent) != 1 || !slices.Equal(s.ledger.replayed, []string{"c1"}) {
		t.Errorf("letters %+v, published again %q", resent, s.ledger.replayed)
	}
}

func TestAPassingFaultIsNeverADeadLetter(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	down := contracts.Errorf(contracts.Unavailable, "hand over", "no connection")
	c := &consumer{poison: map[string]func() error{"c1/1": func() error { return fmt.Errorf("hand over event: %w", down) }}}
	guarded := s.dead.Guard("efa.starter", c.handle)
	for range 10 {
		if err := guarded(t.Context(), s.batch("c1/1", "c2/1")); !errors.Is(err, down) {
			t.Fatalf("got %v", err)
		}
	}
	if all := s.letters(""); len(all) != 0 {
		t.Errorf("letters %+v", all)
	}
}

func TestWhatFollowsFromAnErrorOfAHandler(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		times  int // how often it fails before it succeeds; 0 for ever
		calls  int // of the handler: once for the batch, then for each attempt
		reason letter.Reason
	}{
		"a refusal":                       {contracts.Errorf(contracts.Conflict, "x", "y"), 0, 2, "conflict"},
		"an invalid event":                {contracts.Errorf(contracts.Invalid, "x", "y"), 0, 2, "invalid"},
		"data that do not decode":         {fmt.Errorf("decode: %w", &json.SyntaxError{}), 0, 2, letter.Undecodable},
		"data of another form":            {fmt.Errorf("decode: %w", &json.UnmarshalTypeError{}), 0, 2, letter.Undecodable},
		"a fault that stays":              {errors.New("constraint failed"), 0, 6, "internal"},
		"a fault that passes":             {errors.New("connection lost"), 3, 4, ""},
		"a fault that the batch met only": {errors.New("connection lost"), 1, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			failed := 0
			h := &consumer{poison: map[string]func() error{"c1/1": func() error {
				if failed++; c.times == 0 || failed <= c.times {
					return c.err
				}
				return nil
			}}}
			if err := s.dead.Guard("efa.starter", h.handle)(t.Context(), s.batch("c1/1")); err != nil {
				t.Fatal(err)
			}
			if h.calls != c.calls {
				t.Errorf("%d calls, want %d", h.calls, c.calls)
			}
			dead := s.letters(letter.Dead)
			if c.reason == "" && len(dead) != 0 || c.reason != "" && (len(dead) != 1 || dead[0].Reason != c.reason) {
				t.Errorf("letters %+v, want reason %q", dead, c.reason)
			}
		})
	}
}

func TestWhenALetterCannotBeWrittenTheBatchComesAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	raw := sqlstoretest.Raw(t, s.place)
	if _, err := raw.ExecContext(t.Context(), `alter table dead_letters rename column digest to hidden`); err != nil { // reading still works
		t.Fatal(err)
	}
	c := &consumer{poison: map[string]func() error{"c1/1": breaks}}
	guarded := s.dead.Guard("efa.delivery", c.handle)
	if err := guarded(t.Context(), s.batch("c1/1", "c2/1")); err == nil {
		t.Fatal("the poison event was dropped without a letter")
	}
	if err := s.dead.Park(t.Context(), deadletter.Record{Topic: event.Topic, Value: []byte("x")}, errors.New("no event")); err == nil {
		t.Fatal("a record was dropped without a letter")
	}
	if _, err := raw.ExecContext(t.Context(), `alter table dead_letters rename column hidden to digest`); err != nil {
		t.Fatal(err)
	}
	if err := guarded(t.Context(), s.batch("c1/1", "c2/1")); err != nil || !slices.Equal(c.handled, []string{"c2/1"}) || len(s.letters(letter.Dead)) != 1 {
		t.Errorf("after letters can be written: %v, handled %q", err, c.handled)
	}
}
