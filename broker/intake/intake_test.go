package intake_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/intake"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/receipt"
	"github.com/efa-broker/efa-broker/contracts/region"
	"github.com/efa-broker/efa-broker/contracts/service"
)

const (
	registration   = "99050012104000"
	deregistration = "99050012070000"
	muenchen       = "091620000000"
	nuernberg      = "095640000000"
)

// world is everything around intake: it notes what reached it.
type world struct {
	tb       testing.TB
	drafts   []event.Draft
	stored   []content.Object
	facts    fact.Values
	subjects int
	packages map[key.ServiceKey]service.Package
	fail     error // the ledger's next answer
	full     error // whether there is room for a new case
	erased   error // the vault's answer once the keys of a case are destroyed
	settled  []event.Draft
}

func (w *world) Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error) {
	if err := w.fail; err != nil {
		w.fail = nil
		return nil, err
	}
	w.drafts = append(w.drafts, drafts...)
	_, err := tx.Exec(ctx, `insert into cases (id, operator, tenant, service, package, definition, procedure_kind, lead, state, attention, submitter,
		facts, parties, case_seq, engine_seq, receipt_head, announcements, received_at) values ($1, 'bayern', $2, '', '', '', '', '', '', '', '', '', '', 1, 1, '', 0, $3)`,
		drafts[0].Case, drafts[0].Tenant, tx.Now())
	return nil, err
}

func (w *world) Receipt(_ context.Context, _ sqlstore.Querier, caseID string, seq int64) (receipt.Receipt, error) {
	return receipt.Receipt{Case: caseID, Seq: seq}, nil
}

func (w *world) Package(k key.ServiceKey) (service.Package, bool) {
	p, ok := w.packages[k]
	return p, ok
}

func (w *world) ResolveAll(_ context.Context, _ authority.OperatorID, _ key.ServiceKey, wanted map[authority.Role]key.RegionKey) (map[authority.Role]authority.Authority, error) {
	out := map[authority.Role]authority.Authority{}
	for role, r := range wanted {
		city, ok := map[key.RegionKey]string{muenchen: "muenchen", nuernberg: "nuernberg"}[r]
		if ok && role != "immigration" {
			out[role] = authority.Authority{ID: authority.ID(strings.ReplaceAll(string(role), "_", "-") + "-" + city), Tenant: authority.TenantID(city)}
		}
	}
	return out, nil
}

func (w *world) SealCase(_ context.Context, c intake.NewCase) (intake.SealedCase, error) {
	return sealedCase{c, w}, nil
}

type sealedCase struct {
	intake.NewCase
	*world
}

func (c sealedCase) Refs() []content.Ref { return []content.Ref{c.Contents[0].Ref} }

func (c sealedCase) MAC(data []byte) ([]byte, error) {
	return c.world.MAC(context.Background(), c.Tenant, c.Case, data)
}

func (c sealedCase) WriteContents(context.Context, *sqlstore.Tx) error {
	for _, o := range c.Contents {
		o.Tenant = c.Tenant
		c.stored = append(c.stored, o)
	}
	c.facts = c.Facts
	return nil
}

func (c sealedCase) WritePeople(context.Context, *sqlstore.Tx) error {
	c.subjects += len(c.People)
	return nil
}

func (w *world) Store(_ context.Context, o content.Object) (content.Ref, bool, error) {
	w.stored = append(w.stored, o)
	return o.Ref, false, nil
}

func (w *world) MAC(_ context.Context, _ authority.TenantID, caseID string, data []byte) ([]byte, error) {
	sum := sha256.Sum256(append([]byte(caseID), data...))
	return sum[:], w.erased
}

func (w *world) Index(_ context.Context, _ authority.OperatorID, identifier string) ([]byte, error) {
	sum := sha256.Sum256([]byte("index" + identifier))
	return sum[:], nil
}

func (w *world) Completable(_ context.Context, v actor.Viewer, caseID, taskID string) (event.Draft, key.ServiceKey, error) {
	if taskID != "forward" || v.Authority != "lead-nuernberg" {
		return event.Draft{}, "", contracts.Errorf(contracts.NotFound, "read task", "no such task")
	}
	return event.Draft{ID: "forward/answer", Type: event.TypeTaskCompleted, Case: caseID, Tenant: "muenchen", Data: event.TaskCompleted{Task: taskID}}, deregistration, nil
}

func (w *world) Settle(_ context.Context, _ *sqlstore.Tx, completion event.Draft) error {
	if slices.ContainsFunc(w.drafts, func(d event.Draft) bool { return d.ID == completion.ID }) {
		w.tb.Error("settled after the append")
	}
	w.settled = append(w.settled, completion)
	return nil
}

func (w *world) Allow(_ context.Context, in decision.AccessInput) (bool, error) {
	return in.Action == decision.CaseSubmit && in.Role == actor.Portal || in.Action == decision.CaseForward && in.Role == actor.System, nil
}

func setup(t *testing.T) (*world, *intake.Intake) {
	t.Helper()
	packages, err := service.Load()
	if err != nil {
		t.Fatal(err)
	}
	register, err := region.Load()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{tb: t, packages: map[key.ServiceKey]service.Package{}}
	for _, p := range packages {
		w.packages[p.Service] = p
	}
	return w, intake.New(intake.Config{
		DB: sqlstoretest.Open(t), Ledger: w, Services: w, Competence: w, Vault: w, Tasks: w, Register: register, Access: w,
		Room: func() error { return w.full }, Operator: "bayern", Log: slog.New(slog.DiscardHandler),
	})
}

func portal() actor.Viewer {
	return actor.Viewer{Actor: actor.Actor{ID: "portal-bayern", Role: actor.Portal}, Operator: "bayern"}
}

func office(id authority.ID) actor.Viewer {
	return actor.Viewer{Actor: actor.Actor{ID: string(id), Role: actor.System, Authority: id}, Operator: "bayern"}
}

// submission is the first example application of a service.
func (w *world) submission(s key.ServiceKey, at string) intake.Submission {
	w.tb.Helper()
	return intake.Submission{SubmissionId: "submission-1", Service: string(s), Region: at, Application: w.example(s, 0)}
}

// example is the n-th example application of a service.
func (w *world) example(s key.ServiceKey, n int) map[string]any {
	w.tb.Helper()
	examples := w.packages[s].Examples
	var app map[string]any
	if err := json.Unmarshal(examples[slices.Sorted(maps.Keys(examples))[n]], &app); err != nil {
		w.tb.Fatal(err)
	}
	return app
}

func TestAnApplicationIsSealedBeforeItIsRecorded(t *testing.T) {
	t.Parallel()
	w, in := setup(t)
	a, err := in.Submit(t.Context(), portal(), event.Reception{}, w.submission(registration, muenchen))
	if err != nil {
		t.Fatal(err)
	}
	if a.Repeated || a.Receipt.Case != a.Case || len(w.stored) != 1 || w.stored[0].Tenant != "muenchen" || w.subjects == 0 {
		t.Errorf("accepted %+v, stored %d, subjects %d", a, len(w.stored), w.subjects)
	}
	d, ok := w.drafts[0].Data.(event.CaseSubmitted)
	if !ok || len(w.drafts) != 1 {
		t.Fatalf("drafts %+v", w.drafts)
	}
	if _, leaked := d.Facts["foreign_trader"]; leaked || w.facts["foreign_trader"] != false || d.Facts["full_move"] != true || d.Facts["register"] != "commercial" {
		t.Errorf("open facts %v, sealed facts %v", d.Facts, w.facts)
	}
	if !slices.Contains(d.Parties, authority.Party{Role: authority.Previous, Authority: "previous-nuernberg"}) {
		t.Errorf("parties %v", d.Parties)
	}
	if slices.ContainsFunc(d.Parties, func(p authority.Party) bool { return p.Role == "immigration" }) {
		t.Error("a role that nobody fills was given to somebody")
	}
}

func TestARepeatGetsTheSameReceiptAndAnotherBodyAConflict(t *testing.T) {
	t.Parallel()
	w, in := setup(t)
	first, err := in.Submit(t.Context(), portal(), event.Reception{}, w.submission(registration, muenchen))
	if err != nil {
		t.Fatal(err)
	}
	again, err := in.Submit(t.Context(), portal(), event.Reception{}, w.submission(registration, muenchen))
	if err != nil || !again.Repeated || again.Case != first.Case || len(w.drafts) != 1 {
		t.Errorf("repeat %+v %v, %d drafts", again, err, len(w.drafts))
	}
	w.erased = &contracts.Error{Kind: contracts.NotFound, Op: "read key"}
	_, err = in.Submit(t.Context(), portal(), event.Reception{}, w.submission(registration, muenchen))
	if problems := contracts.ProblemsOf(err); contracts.KindOf(err) != contracts.Conflict || len(problems) != 1 || problems[0].Pointer != "/submission_id" {
		t.Errorf("repeat of an erased case: %v", err)
	}
	w.erased = nil
	same := w.submission(registration, muenchen)
	other := w.submission(registration, muenchen)
	other.Application = w.example(registration, 1)
	if _, err := in.Submit(t.Context(), portal(), event.Reception{}, other); contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("another body: %v", err)
	}
	delete(w.packages, registration) // the service is withdrawn
	if again, err := in.Submit(t.Context(), portal(), event.Reception{}, same); err != nil || !again.Repeated {
		t.Errorf("a repeat after the service ended: %+v %v", again, err)
	}
}

// TestWithoutRoomOnlyNewCasesAreRefused: what was accepted before gets its receipt, and an answer to a task counts.
func TestWithoutRoomOnlyNewCasesAreRefused(t *testing.T) {
	t.Parallel()
	w, in := setup(t)
	known := w.submission(registration, muenchen)
	if _, err := in.Submit(t.Context(), portal(), event.Reception{}, known); err != nil {
		t.Fatal(err)
	}
	w.full = contracts.Errorf(contracts.Unavailable, "accept new cases", "too many events wait")
	before := len(w.stored)
	fresh := w.submission(registration, muenchen)
	fresh.SubmissionId = "submission-2"
	if _, err := in.Submit(t.Context(), portal(), event.Reception{}, fresh); err == nil || contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("a new case: %v", err)
	}
	if len(w.stored) != before {
		t.Error("something was sealed for a case that was refused")
	}
	if again, err := in.Submit(t.Context(), portal(), event.Reception{}, known); err != nil || !again.Repeated {
		t.Errorf("a repeat: %+v, %v", again, err)
	}
	answer := w.submission(deregistration, nuernberg)
	answer.SubmissionId, answer.Completes = "forward", &intake.Completes{CaseId: uuid.New(), TaskId: "forward", Outcome: "deregistered"}
	if _, err := in.Submit(t.Context(), office("lead-nuernberg"), event.Reception{}, answer); err != nil {
		t.Errorf("an answer to a task: %v", err)
	}
	w.full = nil
	if _, err := in.Submit(t.Context(), portal(), event.Reception{}, fresh); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestAFailedTransactionCanBeRepeated(t *testing.T) {
	t.Parallel()
	w, in := setup(t)
	w.fail = errors.New("disk full")
	if _, err := in.Submit(t.Context(), portal(), event.Reception{}, w.submission(registration, muenchen)); err == nil {
		t.Fatal("want an error")
	}
	if a, err := in.Submit(t.Context(), portal(), event.Reception{}, w.submission(registration, muenchen)); err != nil || a.Repeated {
		t.Errorf("%+v %v", a, err)
	}
}

func TestEveryFaultIsToldAtOnce(t *testing.T) {
	t.Parallel()
	w, in := setup(t)
	s := w.submission(registration, "09162000")
	s.Application["unknown_member"] = "x"
	_, err := in.Submit(t.Context(), portal(), event.Reception{}, s)
	var pointers []string
	for _, p := range contracts.ProblemsOf(err) {
		pointers = append(pointers, p.Pointer)
	}
	if contracts.KindOf(err) != contracts.Invalid || !slices.Contains(pointers, "/region") || !slices.ContainsFunc(pointers, func(p string) bool { return strings.HasPrefix(p, "/application") }) {
		t.Errorf("%v at %v", err, pointers)
	}
	if len(w.stored) != 0 {
		t.Error("something was stored of a refused submission")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		viewer actor.Viewer
		change func(*intake.Submission)
		want   contracts.Kind
	}{
		"no service key":          {portal(), func(s *intake.Submission) { s.Service = "4711" }, contracts.Invalid},
		"a service that is not":   {portal(), func(s *intake.Submission) { s.Service = "99999999999999" }, contracts.Invalid},
		"an unknown municipality": {portal(), func(s *intake.Submission) { s.Region = "099990000000" }, contracts.Invalid},
		"a Land for a city":       {portal(), func(s *intake.Submission) { s.Region = "09" }, contracts.Invalid},
		"another region's place":  {portal(), func(s *intake.Submission) { s.Region = "096630000000" }, contracts.Invalid},
		"no route": {portal(), func(s *intake.Submission) {
			s.Region = "096630000000"
			place, _ := s.Application["place_of_business"].(map[string]any)
			place["region_key"] = s.Region
		}, contracts.NotCompetent},
		"an office as applicant": {office("lead-nuernberg"), func(*intake.Submission) {}, contracts.Denied},
		"a portal that completes": {portal(), func(s *intake.Submission) {
			s.SubmissionId, s.Completes = "forward", &intake.Completes{TaskId: "forward"}
		}, contracts.NotFound},
		"somebody else's task": {office("tax-a"), func(s *intake.Submission) {
			s.SubmissionId, s.Completes = "forward", &intake.Completes{TaskId: "forward"}
		}, contracts.NotFound},
		"another id than the task": {office("lead-nuernberg"), func(s *intake.Submission) { s.Completes = &intake.Completes{TaskId: "forward"} }, contracts.Invalid},
		"a task of other services": {office("lead-nuernberg"), func(s *intake.Submission) {
			s.SubmissionId, s.Completes = "forward", &intake.Completes{TaskId: "forward"}
		}, contracts.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := setup(t)
			s := w.submission(registration, muenchen)
			c.change(&s)
			if _, err := in.Submit(t.Context(), c.viewer, event.Reception{}, s); contracts.KindOf(err) != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if len(w.stored)+len(w.drafts) != 0 {
				t.Error("something was kept")
			}
		})
	}
}

func TestAForwardedNoticeOpensASecondCaseAndCompletesTheTaskInOneAppend(t *testing.T) {
	t.Parallel()
	w, in := setup(t)
	s := w.submission(deregistration, nuernberg)
	if _, err := in.Submit(t.Context(), portal(), event.Reception{}, s); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("filed by an applicant: %v", err)
	}
	first := uuid.New()
	s.SubmissionId, s.Completes = "forward", &intake.Completes{CaseId: first, TaskId: "forward", Outcome: "deregistered"}
	reception := event.Reception{At: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), Source: "replica/a", Epoch: 3}
	a, err := in.Submit(t.Context(), office("lead-nuernberg"), reception, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.settled) != 1 || w.settled[0].ID != "forward/answer" || w.settled[0].Received != reception {
		t.Errorf("settled before the append: %+v", w.settled)
	}
	if !a.ReceivedAt.Equal(reception.At) || w.drafts[0].Received != reception || w.drafts[1].Received != reception {
		t.Errorf("received %s, drafts %+v and %+v", a.ReceivedAt, w.drafts[0].Received, w.drafts[1].Received)
	}
	var types []string
	for _, d := range w.drafts {
		types = append(types, d.Type+" "+d.Case)
	}
	want := []string{
		event.TypeCaseSubmitted + " " + a.Case, event.TypeTaskCompleted + " " + first.String(),
		event.TypeCaseLinked + " " + first.String(), event.TypeCaseLinked + " " + a.Case,
	}
	if !slices.Equal(types, want) {
		t.Errorf("drafts %q", types)
	}
	if done, ok := w.drafts[1].Data.(event.TaskCompleted); !ok || done.Opened != a.Case || done.Outcome != "deregistered" {
		t.Errorf("completion %+v", w.drafts[1].Data)
	}
	if w.stored[0].Tenant != "nuernberg" {
		t.Errorf("sealed for %s", w.stored[0].Tenant)
	}
}
