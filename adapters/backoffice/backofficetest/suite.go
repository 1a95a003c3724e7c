package backofficetest

import (
	"context"
	"testing"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// Open makes the port under test for the authority that the server hosts. What it opens it closes by t.Cleanup.
type Open func(t *testing.T, s Server) backoffice.Port

// Run runs the whole contract. Each case has a broker and a port of its own.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, s Server, p backoffice.Port)
	}{
		{"the inbox is read from the start and in order", inboxInOrder},
		{"an item arrives whole", itemArrivesWhole},
		{"reading waits for the first item", readingWaits},
		{"reading ends with its context", readingEndsWithContext},
		{"a cursor from before a restore reads all undone items", restoreReadsUndone},
		{"a cursor of another inbox is refused", foreignCursor},
		{"what may leave arrives byte for byte", fetchReleases},
		{"withheld fields come with their reasons", fetchWithholds},
		{"a refused fetch looks like an unknown content", fetchRefused},
		{"a delivery is confirmed as readable", confirmReadable},
		{"a delivery is rejected for each reason", confirmUnreadable},
		{"a delivery is not confirmed before it was fetched", confirmUnfetched},
		{"documents are stored once", storeOnce},
		{"an outcome carries facts and documents", answerCarries},
		{"an answer is given once", answerOnce},
		{"not competent is a third answer", answerNotCompetent},
		{"an answer that the task does not know is refused", answerUnknown},
		{"a submission opens one case", submitOnce},
		{"a submission completes a task", submitCompletes},
		{"a refused submission names every fault", submitRefused},
		{"every kind of error keeps its kind", kindsSurvive},
		{"a token that the broker refuses is replaced", tokenReplaced},
		{"a port serves many at once", concurrent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := Serve(t, "gewerbeamt-nuernberg")
			c.test(t, s, open(t, s))
		})
	}
}

// want checks the kind of an error.
func want(t *testing.T, err error, kind contracts.Kind) {
	t.Helper()
	if err == nil || contracts.KindOf(err) != kind {
		t.Errorf("got %v, want an error of kind %s", err, kind)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// read reads the inbox until it holds n items behind cursor.
func read(ctx context.Context, t *testing.T, p backoffice.Port, cursor string, n int) ([]delivery.Item, string) {
	t.Helper()
	var all []delivery.Item
	for len(all) < n {
		items, next, err := p.Next(ctx, cursor)
		if err != nil {
			t.Fatalf("after %d of %d items: %v", len(all), n, err)
		}
		all = append(all, items...)
		cursor = next
	}
	return all, cursor
}

// contentID is the id of the notice that the cases fetch.
const contentID content.ID = "6f1d6c1e-3a54-4d0f-9a56-0c6a4f7f2a10"

// notice puts a content into the broker.
func notice(s Server) content.Ref {
	return s.Put(Content{
		Ref:  content.Ref{Content: contentID, Kind: content.Application, Form: "gewa1"},
		Case: "0b6f2d4a-5f0e-4f8e-8f58-0d7c2f1e9b3d",
		Body: []byte(`{"name":"Müller & Söhne <GbR>","amount":12345678901234567890.10,"permit":{"date":"2026-11-02"}}`),
		Properties: map[string]string{
			"gewa1.1": "name", "gewa1.22": "amount", "gewa1.28": "permit", "gewa1.13": "absent",
		},
	})
}

func ask(fields ...string) backoffice.Ask {
	return backoffice.Ask{Fields: fields, Purpose: "notice.inform", Basis: "eu-gdpr:A6-1-c"}
}
