package kafkaoutbox_test

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/adapters/backoffice/kafkaoutbox"
	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/memlog"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
	"github.com/efa-broker/efa-broker/contracts/fact"
)

const (
	theCase  = "5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11"
	theTask  = theCase + ".register.1"
	document = "8d1e9b7a-4c3f-4e2d-9b6a-1f0e2d3c4b52"
)

// inbox is the other side: it brings two items.
type inbox struct{ backoffice.Port }

func (inbox) Next(context.Context, string) ([]delivery.Item, string, error) {
	return []delivery.Item{{ID: "e4b1c2d3-1a2b-4c3d-9e8f-0a1b2c3d4e71", Case: theCase}, {ID: "e4b1c2d3-1a2b-4c3d-9e8f-0a1b2c3d4e72", Case: theCase}}, "1.2", nil
}

func TestEachAnswerIsASealedEventOnTheAuthoritysOwnTopic(t *testing.T) {
	t.Parallel()
	for _, structured := range []bool{false, true} {
		log := memlog.New(memlog.Config{})
		if err := log.EnsureTopic(t.Context(), "efa.outbox.ihk-muenchen", 1); err != nil {
			t.Fatal(err)
		}
		private := ed25519.NewKeyFromSeed(make([]byte, 32))
		o, err := kafkaoutbox.Open(kafkaoutbox.Config{
			Port: inbox{}, Log: log, Authority: "ihk-muenchen", Operator: "bayern", Signer: seal.Signer{KeyID: "k1", Private: private},
			Structured: structured,
		})
		if err != nil {
			t.Fatal(err)
		}
		items, _, err := o.Next(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			o.Answer(t.Context(), theTask, backoffice.Outcome{
				Code: "registered", Facts: fact.Values{"indications_of_violation": false}, Contents: []content.Ref{{Content: document, Kind: content.Certificate}},
			}),
			o.Answer(t.Context(), theTask, backoffice.NotCompetent()),
			o.Confirm(t.Context(), items[0].ID, ""), o.Confirm(t.Context(), items[1].ID, delivery.WrongRecipient),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := o.Confirm(t.Context(), "unknown", ""); contracts.KindOf(err) != contracts.NotFound {
			t.Errorf("a delivery that the inbox has not brought: %v", err)
		}
		var got [][3]string
		err = log.Scan(t.Context(), "efa.outbox.ihk-muenchen", func(r eventlog.Record) error {
			in := cloudevent.Record{Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				in.Headers = append(in.Headers, cloudevent.Header(h))
			}
			e, err := cloudevent.Read(in)
			if err != nil {
				return err
			}
			ring := seal.Ring{{ID: "k1", Authority: "ihk-muenchen", Algorithm: seal.Ed25519, Public: private.Public()}}
			if _, err := ring.Verify(e, "ihk-muenchen", time.Now()); err != nil {
				return err
			}
			if e.Source != "urn:efa:authority:ihk-muenchen" || e.Subject != theCase || r.Key != theCase || e.Extensions["operator"] != "bayern" || e.Time != "" || !answer.ValidID(e.ID) {
				t.Errorf("event %+v", e)
			}
			got = append(got, [3]string{e.Type, e.ID, string(e.Data)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := [][3]string{
			{answer.TypeCompleted, "task/" + theTask, `{"task_id":"` + theTask + `","outcome":"registered","facts":{"indications_of_violation":false},"contents":[{"content_id":"` + document + `"}]}`},
			{answer.TypeReturned, "task/" + theTask, `{"task_id":"` + theTask + `"}`},
			{answer.TypeAccepted, "delivery/" + items[0].ID, `{"delivery_id":"` + items[0].ID + `"}`},
			{answer.TypeRejected, "delivery/" + items[1].ID, `{"delivery_id":"` + items[1].ID + `","reason":"wrong_recipient"}`},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestOpenRefusesAnIncompleteConfig(t *testing.T) {
	t.Parallel()
	if _, err := kafkaoutbox.Open(kafkaoutbox.Config{Authority: "ihk-muenchen"}); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("got %v", err)
	}
}
