package demo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/adapters/backoffice/backofficetest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// office returns a trade office beside a scripted broker.
func office(t *testing.T, id authority.ID) (*tradeOffice, *backofficetest.Broker) {
	t.Helper()
	book, err := law.Load()
	if err != nil {
		t.Fatal(err)
	}
	return &tradeOffice{
		recipient: recipient{authority: id, book: book, files: files(t.TempDir())},
		register:  register(t), reference: func(string) string { return "KVR 4711" },
		now: func() time.Time { return time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC) }, // already the 25th in Germany
	}, backofficetest.NewBroker(id)
}

// announce puts a notice into the inbox.
func announce(b *backofficetest.Broker, raw []byte, item delivery.Item) delivery.Item {
	item.Case = uuid.NewString()
	if item.Kind == delivery.TaskItem {
		item.Task = item.Case + ".step.1"
	}
	ref := b.Put(backofficetest.Content{
		Ref:  content.Ref{Content: content.ID(uuid.NewString()), Kind: content.Application, Form: "gewa1"},
		Case: item.Case, Body: raw,
	})
	item.Contents = []content.Ref{ref}
	return b.Announce(item)
}

func forward(b *backofficetest.Broker, raw []byte) delivery.Item {
	return announce(b, raw, delivery.Item{
		Kind: delivery.TaskItem, Role: "previous", Service: gewa1, Opens: gewa3, Outcomes: []string{"deregistered"},
		Purpose: "notice.forward",
	})
}

func TestTheOldTradeOfficeDeregistersWhatMovedAway(t *testing.T) {
	t.Parallel()
	for _, name := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, b := office(t, "gewerbeamt-nuernberg")
			item := forward(b, example(t, gewa1, name))
			for range 2 { // at least once
				if err := o.Task(t.Context(), b, item); err != nil {
					t.Fatal(err)
				}
			}
			got, ok := b.Submission(item.Task)
			if !ok {
				t.Fatal("nothing was submitted")
			}
			if diff := cmp.Diff(tree(t, example(t, gewa3, name)), tree(t, got.Application)); diff != "" {
				t.Error(diff)
			}
			wanted := &backoffice.Completes{Case: item.Case, Task: item.Task, Outcome: "deregistered"}
			if diff := cmp.Diff(wanted, got.Completes); diff != "" || got.Service != gewa3 || got.Region != "095640000000" {
				t.Errorf("filed as %s in %s; %s", got.Service, got.Region, diff)
			}
			if state, _ := b.State(item.ID); state != delivery.Accepted {
				t.Errorf("delivery is %s, want accepted", state)
			}
		})
	}
}

func TestAnOfficeThatDoesNotKnowTheBusinessIsNotCompetent(t *testing.T) {
	t.Parallel()
	o, b := office(t, "gewerbeamt-nuernberg")
	o.register = nil
	item := forward(b, example(t, gewa1, "01-einzelkauffrau.json"))
	if err := o.Task(t.Context(), b, item); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.Outcome(item.Task); got.Code != backoffice.NotCompetent().Code {
		t.Errorf("outcome is %q, want not competent", got.Code)
	}
	if _, filed := b.Submission(item.Task); filed {
		t.Error("a deregistration was filed")
	}
}

func TestTheNewTradeOfficeCertifiesTheReceipt(t *testing.T) {
	t.Parallel()
	o, b := office(t, "gewerbeamt-muenchen")
	item := announce(b, example(t, gewa1, "01-einzelkauffrau.json"), delivery.Item{
		Kind: delivery.TaskItem, Role: "lead", Outcomes: []string{"registered"}, Purpose: "notice.register",
	})
	for range 2 {
		if err := o.Task(t.Context(), b, item); err != nil {
			t.Fatal(err)
		}
	}
	got, _ := b.Outcome(item.Task)
	if got.Code != "registered" || got.Facts["indications_of_violation"] != false || len(got.Contents) != 1 {
		t.Fatalf("outcome is %+v", got)
	}
	doc, ok := b.Document(got.Contents[0].Content)
	if !ok || doc.Kind != content.Certificate || doc.Case != item.Case {
		t.Fatalf("stored is %v %v", doc, ok)
	}
	wanted := map[string]any{
		"document": "Empfangsbescheinigung", "legal_basis": "GewO § 15(1)", "authority": "gewerbeamt-muenchen",
		"case_id": item.Case, "file_reference": "KVR 4711", "issued_on": "2026-11-25",
	}
	if diff := cmp.Diff(any(wanted), tree(t, doc.Body)); diff != "" {
		t.Error(diff)
	}
}

func TestAnOfficeAsksForEveryFieldAndFilesWhatItObtains(t *testing.T) {
	t.Parallel()
	o, b := office(t, "ihk-muenchen")
	item := announce(b, []byte(`{"business":{"registered_name":"x"}}`), delivery.Item{})
	if err := o.Announcement(t.Context(), b, item); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(string(o.files), "ihk-muenchen", item.ID+".json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got backoffice.Fetched
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Released) != 33 || string(got.Body) != `{"business":{"registered_name":"x"}}` {
		t.Errorf("filed are %d fields, %s", len(got.Released), got.Body)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v (%v), want 0600", info.Mode(), err)
	}
}

func TestOfficesRefuseWhatTheyAreNotFor(t *testing.T) {
	t.Parallel()
	o, b := office(t, "gewerbeamt-muenchen")
	task := delivery.Item{Kind: delivery.TaskItem, Outcomes: []string{"granted"}, Opens: "local:event"}
	for name, tt := range map[string]struct {
		err  error
		want contracts.Kind
	}{
		"a recipient has no tasks":       {o.recipient.Task(t.Context(), b, task), contracts.Unsupported},
		"a notice of an unknown service": {o.Task(t.Context(), b, task), contracts.Unsupported},
		"a form that the law knows not":  {o.Announcement(t.Context(), b, delivery.Item{Contents: []content.Ref{{Content: "x", Form: "gewa9"}}}), contracts.Unsupported},
		"a refused fetch is not found":   {o.Announcement(t.Context(), b, delivery.Item{Contents: []content.Ref{{Content: "x", Form: "gewa1"}}}), contracts.NotFound},
		"a task that allows no outcome":  {o.Task(t.Context(), b, forwardWithoutOutcome(t, b)), contracts.Unsupported},
	} {
		if contracts.KindOf(tt.err) != tt.want || tt.err == nil {
			t.Errorf("%s: got %v, want %s", name, tt.err, tt.want)
		}
	}
	empty := o.Announcement(t.Context(), b, delivery.Item{})
	if empty == nil || !strings.Contains(empty.Error(), string(delivery.MissingContent)) {
		t.Errorf("an announcement of nothing: %v", empty)
	}
}

func forwardWithoutOutcome(t *testing.T, b *backofficetest.Broker) delivery.Item {
	t.Helper()
	item := forward(b, example(t, gewa1, "02-gmbh.json"))
	item.Outcomes = nil
	return item
}
