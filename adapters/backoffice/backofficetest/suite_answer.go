package backofficetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

// assigned announces a task.
func assigned(s Server) delivery.Item {
	caseID := uuid.NewString()
	return s.Announce(delivery.Item{
		Kind: delivery.TaskItem, Case: caseID, Task: caseID + ".register.1", Role: "lead",
		Outcomes: []string{"registered", "refused"},
	})
}

func document(caseID, media, body string) backoffice.Document {
	return backoffice.Document{
		ID: content.ID(uuid.NewString()), Case: caseID, Kind: content.Certificate, MediaType: media, Body: []byte(body),
	}
}

func storeOnce(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	caseID := uuid.NewString()
	for _, doc := range []backoffice.Document{
		document(caseID, "application/json", `{"file_reference":"KVR-III/2 4711"}`),
		document(caseID, "application/pdf", "%PDF-1.7\n\x00\xff"),
	} {
		ref, err := p.Store(t.Context(), doc)
		ok(t, err)
		if ref.Content != doc.ID || ref.Kind != content.Certificate {
			t.Errorf("reference is %+v", ref)
		}
		_, err = p.Store(t.Context(), doc)
		ok(t, err)
		if got, _ := s.Document(doc.ID); cmp.Diff(doc, got) != "" {
			t.Errorf("the broker holds %s", cmp.Diff(doc, got))
		}
		doc.Body = append([]byte(nil), doc.Body...)
		doc.Body[len(doc.Body)-3] ^= 1
		_, err = p.Store(t.Context(), doc)
		want(t, err, contracts.Conflict)
	}
}

func answerCarries(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	item := assigned(s)
	ref, err := p.Store(t.Context(), document(item.Case, "application/json", `{"file_reference":"x"}`))
	ok(t, err)
	given := backoffice.Outcome{
		Code: "registered", Facts: fact.Values{"indications_of_violation": true}, Contents: []content.Ref{ref},
	}
	ok(t, p.Answer(t.Context(), item.Task, given))
	if got, _ := s.Outcome(item.Task); cmp.Diff(given, got) != "" {
		t.Error(cmp.Diff(given, got))
	}
	if state, _ := s.State(item.ID); state != delivery.Announced {
		t.Errorf("the answer moved the delivery to %s", state)
	}
}

func answerOnce(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	item := assigned(s)
	ok(t, p.Answer(t.Context(), item.Task, backoffice.Outcome{Code: "registered"}))
	ok(t, p.Answer(t.Context(), item.Task, backoffice.Outcome{Code: "registered"}))
	want(t, p.Answer(t.Context(), item.Task, backoffice.Outcome{Code: "refused"}), contracts.Conflict)
	want(t, p.Answer(t.Context(), item.Task, backoffice.NotCompetent()), contracts.Conflict)
}

func answerNotCompetent(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	item := assigned(s)
	ok(t, p.Answer(t.Context(), item.Task, backoffice.NotCompetent()))
	ok(t, p.Answer(t.Context(), item.Task, backoffice.NotCompetent()))
	if got, _ := s.Outcome(item.Task); got.Code != backoffice.NotCompetent().Code {
		t.Errorf("outcome is %q", got.Code)
	}
}

func answerUnknown(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	item := assigned(s)
	err := p.Answer(t.Context(), item.Task, backoffice.Outcome{Code: "perhaps"})
	want(t, err, contracts.Invalid)
	if got := contracts.ProblemsOf(err); len(got) != 1 || got[0].Pointer != "/outcome" {
		t.Errorf("problems are %v", got)
	}
	want(t, p.Answer(t.Context(), "no.such.1", backoffice.Outcome{Code: "registered"}), contracts.NotFound)
}

func submission(item delivery.Item) backoffice.Submission {
	return backoffice.Submission{
		ID: item.Task, Service: "99050012070000", Region: "095640000000",
		Application: []byte(`{"reason":"relocation_to_other_district","workers":{"full_time":3}}`),
		Completes:   &backoffice.Completes{Case: item.Case, Task: item.Task, Outcome: item.Outcomes[0]},
	}
}

func submitOnce(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	given := submission(assigned(s))
	given.Completes = nil
	first, err := p.Submit(t.Context(), given)
	ok(t, err)
	again, err := p.Submit(t.Context(), given)
	ok(t, err)
	if first != again || first.Case == "" || first.ReceivedAt.IsZero() {
		t.Errorf("first %+v, again %+v", first, again)
	}
	got, _ := s.Submission(given.ID)
	if !same(got.Application, given.Application) || got.Service != given.Service || got.Region != given.Region {
		t.Errorf("the broker holds %+v", got)
	}
	given.Application = []byte(`{"reason":"complete_end"}`)
	_, err = p.Submit(t.Context(), given)
	want(t, err, contracts.Conflict)
}

func submitCompletes(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	item := assigned(s)
	_, err := p.Submit(t.Context(), submission(item))
	ok(t, err)
	if got, _ := s.Outcome(item.Task); got.Code != "registered" {
		t.Errorf("outcome of the task is %q", got.Code)
	}
}

func submitRefused(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	wanted := []contracts.Problem{
		{Pointer: "/application/reason", Detail: "is missing"}, {Pointer: "/region", Detail: "is not served"},
	}
	s.RefuseSubmission(wanted...)
	_, err := p.Submit(t.Context(), submission(assigned(s)))
	want(t, err, contracts.Invalid)
	if diff := cmp.Diff(wanted, contracts.ProblemsOf(err)); diff != "" {
		t.Error(diff)
	}
}

func kindsSurvive(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	item := assigned(s)
	calls := map[string]func() error{
		"Next":    func() error { _, _, err := p.Next(t.Context(), ""); return err },
		"Fetch":   func() error { _, err := p.Fetch(t.Context(), notice(s), ask("gewa1.1")); return err },
		"Confirm": func() error { return p.Confirm(t.Context(), item.ID, delivery.Undecodable) },
		"Store": func() error {
			_, err := p.Store(t.Context(), document(item.Case, "application/json", "{}"))
			return err
		},
		"Answer": func() error { return p.Answer(t.Context(), item.Task, backoffice.Outcome{Code: "registered"}) },
		"Submit": func() error { _, err := p.Submit(t.Context(), submission(item)); return err },
	}
	for name, call := range calls {
		for kind := contracts.Internal; kind <= contracts.Unavailable; kind++ {
			s.Fail(kind)
			if kind == contracts.Unauthenticated {
				s.Fail(kind) // a port may ask once more with a fresh token
			}
			if err := call(); contracts.KindOf(err) != kind || err == nil {
				t.Errorf("%s: got %v, want kind %s", name, err, kind)
			}
			s.forgive()
		}
	}
}

// forgive drops scripted faults that no call met.
func (b *Broker) forgive() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = nil
}
