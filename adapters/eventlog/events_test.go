package eventlog_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/memlog"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

func numbered(n int64) event.Recorded {
	r := recorded()
	r.ID, r.CaseSeq = fmt.Sprintf("event-%d", n), n
	return r
}

// consume collects the ids of the events, and "parked" for each parked record, until n have come.
func consume(t *testing.T, events eventlog.Events, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var seen []string
	note := func(what string) {
		if seen = append(seen, what); len(seen) == n {
			cancel()
		}
	}
	if events.Park != nil {
		park := events.Park
		events.Park = func(ctx context.Context, rec eventlog.Record, reason error) error {
			note("parked")
			return park(ctx, rec, reason)
		}
	}
	err := events.Consume(ctx, "test", func(_ context.Context, batch []event.Recorded) error {
		for _, r := range batch {
			note(r.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestEventsArriveInTheOrderOfTheirCase(t *testing.T) {
	t.Parallel()
	log := memlog.New(memlog.Config{})
	if err := log.EnsureTopic(t.Context(), event.Topic, 3); err != nil {
		t.Fatal(err)
	}
	events := eventlog.Events{Log: log}
	if err := events.Publish(t.Context(), numbered(1), numbered(2), numbered(3)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"event-1", "event-2", "event-3"}, consume(t, events, 3)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFaultyEventIsNotPublishedNorAreThoseBesideIt(t *testing.T) {
	t.Parallel()
	log := memlog.New(memlog.Config{})
	if err := log.EnsureTopic(t.Context(), event.Topic, 1); err != nil {
		t.Fatal(err)
	}
	events := eventlog.Events{Log: log}
	if err := events.Publish(t.Context(), numbered(1), numbered(0)); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("got %v, want kind invalid", err)
	}
	if err := events.Publish(t.Context(), numbered(2)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"event-2"}, consume(t, events, 1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARecordThatIsNoEventIsParkedInItsPlace(t *testing.T) {
	t.Parallel()
	log := memlog.New(memlog.Config{})
	if err := log.EnsureTopic(t.Context(), event.Topic, 1); err != nil {
		t.Fatal(err)
	}
	var reasons []contracts.Kind
	events := eventlog.Events{Log: log, Park: func(_ context.Context, rec eventlog.Record, reason error) error {
		if string(rec.Value) != "from elsewhere" {
			t.Errorf("parked %q", rec.Value)
		}
		reasons = append(reasons, contracts.KindOf(reason))
		return nil
	}}
	first, err := eventlog.Encode(numbered(1))
	if err != nil {
		t.Fatal(err)
	}
	foreign := eventlog.Record{
		Topic: event.Topic, Key: first.Key, Value: []byte("from elsewhere"),
		Headers: []eventlog.Header{{Key: "ce_specversion", Value: []byte("9")}},
	}
	second, err := eventlog.Encode(numbered(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Publish(t.Context(), first, foreign, second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"event-1", "parked", "event-2"}, consume(t, events, 3)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]contracts.Kind{contracts.Unsupported}, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestWithoutAPlaceToParkNothingIsSkipped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New(memlog.Config{})
		if err := log.EnsureTopic(t.Context(), event.Topic, 1); err != nil {
			t.Fatal(err)
		}
		foreign := eventlog.Record{Topic: event.Topic, Key: "7d2", Value: []byte("from elsewhere")}
		behind, err := eventlog.Encode(numbered(2))
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Publish(t.Context(), foreign, behind); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err = eventlog.Events{Log: log}.Consume(ctx, "test", func(_ context.Context, batch []event.Recorded) error {
			t.Errorf("%s was handed over past a record that cannot be read", batch[0].ID)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
