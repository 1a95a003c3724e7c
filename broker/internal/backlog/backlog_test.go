package backlog_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/backlog"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// progress is an event log in which each consumer is so far behind.
type progress map[string][]event.Progress

func (p progress) Progress(_ context.Context, consumer string) ([]event.Progress, error) {
	if found, ok := p[consumer]; ok {
		return found, nil
	}
	return nil, errors.New("no connection")
}

func TestNewCasesAreRefusedBeyondTheBoundAndAcceptedAgainBelowIt(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	log := progress{"starter": {{Next: 4, End: 5}, {Partition: 1, Next: 7, End: 7}}, "delivery": {{Next: 2, End: 5}}}
	b := backlog.New(backlog.Config{DB: db, Inspector: log, Consumers: []string{"starter", "delivery"}, Max: 5, Log: slog.New(slog.DiscardHandler)})
	want := func(step string, size int64, room bool) {
		t.Helper()
		b.Measure(t.Context())
		err := b.Room()
		if b.Size() != size || (err == nil) != room || err != nil && contracts.KindOf(err) != contracts.Unavailable {
			t.Errorf("%s: %d events, room %v", step, b.Size(), err)
		}
	}
	if b.Room() != nil {
		t.Error("what was not measured is full")
	}
	want("the consumer that is furthest behind counts", 3, true)
	sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: "c1"})
	for seq := range 20 {
		var published any
		if seq >= 2 {
			published = time.Now().UTC()
		}
		sqlstoretest.Exec(t, db, `insert into outbox (case_id, case_seq, shard, published_at) values ('c1', $1, 0, $2)`, seq, published)
	}
	want("at the bound", 5, true)
	sqlstoretest.Exec(t, db, `update outbox set published_at = null where case_seq = 5`)
	want("beyond it", 6, false)
	delete(log, "delivery")
	want("an event log that is away leaves its records as they were", 6, false)
	sqlstoretest.Exec(t, db, `update outbox set published_at = null`)
	want("counting ends at the bound", 9, false)
	log["delivery"] = []event.Progress{{Next: 5, End: 5}}
	sqlstoretest.Exec(t, db, `update outbox set published_at = $1`, time.Now().UTC())
	want("drained", 1, true)
}
