//go:build faults

package scenario

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
)

// TestAConsumerThatPanicsStopsOneCaseAlone makes a consumer of a running broker panic at one event. That event's case is put
// aside and the broker goes on: every other case comes to its end. A program that does not panic takes the case up as soon as
// the letter is sent again, and nothing was lost or doubled.
func TestAConsumerThatPanicsStopsOneCaseAlone(t *testing.T) {
	t.Parallel()
	consumers := map[fault.Breakdown]string{fault.StarterPanics: "efa.starter", fault.DeliveryPanics: "efa.delivery"}
	for _, breakdown := range fault.Breakdowns() {
		t.Run(string(breakdown), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.want(4)
			b := w.start(orders{panic: string(breakdown) + ":2"})
			w.submit(b)
			letter := w.letter(b)
			if letter.Reason != deadletter.Panic || letter.Consumer != consumers[breakdown] || letter.Case == "" {
				t.Fatalf("put aside: %+v", letter)
			}
			others := 0
			for _, s := range w.wanted {
				if s.caseID == letter.Case {
					continue
				}
				others++
				if second := w.whole(b, s.caseID); second != "" {
					w.whole(b, second)
				}
			}
			if others != len(w.wanted)-1 {
				t.Errorf("%d of %d cases went on", others, len(w.wanted))
			}
			if again := w.letter(b); again.ID != letter.ID {
				t.Errorf("another letter: %+v", again)
			}
			w.wantWhole("one case is put aside", w.judge())
			b.end()

			b = w.start(orders{})
			_, err := b.as("operator-bayern").ResendDeadLetterWithResponse(t.Context(), uuid.MustParse(letter.ID), client.ResendDeadLetterJSONRequestBody{Reason: "the program was mended"})
			if err != nil {
				t.Fatal(err)
			}
			second := w.whole(b, letter.Case)
			if second == "" {
				t.Error("the case that was put aside opened none")
			} else {
				w.whole(b, second)
			}
			b.end()
			w.finish()
		})
	}
}

// letter waits for a dead letter and wants it to be the only one.
func (w *world) letter(b *broker) deadletter.Letter {
	w.tb.Helper()
	state := client.Dead
	late := time.After(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, err := b.as("operator-bayern").ListDeadLettersWithResponse(w.tb.Context(), &client.ListDeadLettersParams{State: &state})
		if err != nil {
			w.tb.Fatal(err)
		}
		page, err := client.Value(answer, answer.JSON200)
		if err != nil {
			w.tb.Fatal(err)
		}
		if len(page.Letters) > 1 {
			w.tb.Fatalf("%d letters: %+v", len(page.Letters), page.Letters)
		}
		if len(page.Letters) == 1 {
			return page.Letters[0]
		}
		select {
		case <-tick.C:
		case <-b.died:
			w.tb.Fatalf("the broker ended: %s", b.lastOf())
		case <-late:
			w.tb.Fatal("nothing is put aside")
		}
	}
}
