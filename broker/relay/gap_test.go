package relay

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// places is a log with two partitions: the case c1 lies in 0, every other one in 1.
type places struct{ progress map[string][]event.Progress }

func (p *places) Progress(_ context.Context, consumer string) ([]event.Progress, error) {
	return p.progress[consumer], nil
}

func (*places) Route(_ context.Context, cases ...string) ([]int, error) {
	out := make([]int, len(cases))
	for i, c := range cases {
		if c != "c1" {
			out[i] = 1
		}
	}
	return out, nil
}

// both sets how far every consumer has come in both partitions.
func (p *places) both(next, end int64) {
	p.progress = map[string][]event.Progress{}
	for _, c := range consumers() {
		p.progress[c.Name] = []event.Progress{{Partition: 0, Next: next, End: end}, {Partition: 1, Next: next, End: end}}
	}
}

func consumers() []Consumer {
	return []Consumer{{Name: "starter", EngineOnly: true}, {Name: "delivery"}}
}

// scene is a database with c1 and c2, four published events each, the first and the third of them for the engine.
type scene struct {
	*testing.T
	db    *sqlstore.DB
	log   *places
	relay *Relay
	held  map[int64]lease.Lease
}

func newScene(t *testing.T) *scene {
	t.Helper()
	db := sqlstoretest.Open(t)
	s := &scene{T: t, db: db, log: &places{}, held: map[int64]lease.Lease{}}
	keeper := lease.Keeper{DB: db, Holder: "me"}
	s.relay = New(Config{DB: db, Leases: keeper, Shards: 1, Inspector: s.log, Consumers: consumers(), Log: slog.New(slog.DiscardHandler)})
	l, err := keeper.Acquire(t.Context(), "relay/0")
	if err != nil {
		t.Fatal(err)
	}
	s.held[0] = l
	for _, c := range []string{"c1", "c2"} {
		sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: c})
		sqlstoretest.Exec(t, db, `update cases set case_seq = 4 where id = $1`, c)
		for seq := 1; seq <= 4; seq++ {
			sqlstoretest.Exec(t, db, `insert into events (case_id, case_seq, engine_seq, id, source, type, operator, tenant, actor, at, data, digest, traceparent)
				values ($1, $2, $3, $5, 's', 't', 'bayern', 'muenchen', '{}', $4, '{}', '', '')`, c, seq, seq%2, time.Now().UTC(), fmt.Sprintf("%s/%d", c, seq))
			sqlstoretest.Exec(t, db, `insert into outbox (case_id, case_seq, shard, published_at) values ($1, $2, 0, $3)`, c, seq, time.Now().UTC().Add(-time.Hour))
		}
	}
	return s
}

func (s *scene) handled(consumer, caseID string, seq int) {
	s.Helper()
	sqlstoretest.Exec(s.T, s.db, `insert into consumer_positions (consumer, case_id, case_seq) values ($1, $2, $3)
		on conflict (consumer, case_id) do update set case_seq = excluded.case_seq`, consumer, caseID, seq)
}

// recalled lists what waits to be published (again).
func (s *scene) recalled() (out []string) {
	s.Helper()
	rows, err := s.db.Read().QueryContext(s.Context(), `select case_id, case_seq from outbox where published_at is null order by case_id, case_seq`)
	if err != nil {
		s.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c string
		var seq int
		if err := rows.Scan(&c, &seq); err != nil {
			s.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s/%d", c, seq))
	}
	return out
}

func (s *scene) mend(earlier ends, want ...string) ends {
	s.Helper()
	now, err := s.relay.mend(s.Context(), s.held, earlier)
	if err != nil {
		s.Fatal(err)
	}
	if got := s.recalled(); !slices.Equal(got, want) {
		s.Errorf("published again: %v, want %v", got, want)
	}
	return now
}

func TestWhatTheLogLostIsPublishedAgainAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.log.both(0, 0) // a new, empty directory
	s.handled("delivery", "c1", 4)
	s.handled("starter", "c1", 3)
	s.handled("delivery", "c2", 2)
	s.handled("starter", "c2", 1)
	s.mend(ends{}, "c2/2", "c2/3", "c2/4")
}

func TestAConsumerThatIsMerelyBehindGetsNothingTwice(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.log.both(3, 4)
	seen := s.mend(ends{})
	seen.at = time.Now() // a minute later
	s.log.both(3, 9)
	seen = s.mend(seen)
	s.log.both(8, 20) // it has passed what was there at the first look, not what was there at the second
	s.mend(seen)
}

func TestWhatAConsumerPassedUnderLoadIsFoundByThePreviousLook(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.handled("delivery", "c1", 4)
	s.handled("starter", "c1", 3)
	s.handled("starter", "c2", 3)
	s.handled("delivery", "c2", 3)
	s.log.both(3, 4)
	seen := s.mend(ends{})
	s.log.both(5, 9) // never at the end, but behind the end of then
	s.mend(seen, "c2/4")
}

func TestALogThatBeganAnewIsNotMeasuredByItsOldEnd(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.log.both(40, 50)
	seen := s.mend(ends{})
	s.log.both(0, 0)
	s.mend(seen, "c1/1", "c1/2", "c1/3", "c1/4", "c2/1", "c2/2", "c2/3", "c2/4")
}

func TestWhatWasPublishedSinceTheLastLookIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.log.both(3, 4)
	seen := s.mend(ends{})
	sqlstoretest.Exec(t, s.db, `update outbox set published_at = $1`, time.Now().UTC())
	s.log.both(9, 9)
	s.mend(seen)
}

func TestOnePartitionThatStandsStillHidesNoOther(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.log.both(4, 4)
	for _, c := range consumers() {
		s.log.progress[c.Name][1].Next = 0 // an endless retry in the partition of c2
	}
	s.mend(ends{}, "c1/1", "c1/2", "c1/3", "c1/4")
}

func TestACaseThatADeadLetterStopsIsNotPublishedAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.log.both(4, 4)
	s.handled("starter", "c1", 3)
	s.handled("starter", "c2", 3)
	sqlstoretest.InsertDeadLetter(t, s.db, sqlstoretest.DeadLetter{ID: "l", Consumer: "delivery", Case: "c1", State: "dead"})
	s.mend(ends{}, "c2/1", "c2/2", "c2/3", "c2/4")
}

func TestNothingIsRecalledUnderALeaseThatHasChangedHands(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.log.both(0, 0)
	sqlstoretest.Exec(t, s.db, `update leases set holder = 'other', epoch = 2`)
	if _, err := s.relay.mend(t.Context(), s.held, ends{}); err == nil || len(s.recalled()) != 0 {
		t.Errorf("error %v, recalled %v", err, s.recalled())
	}
}

func TestAReplaySelectsByCaseSequenceAndTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		selection Selection
		want      []string
	}{
		"one case":        {Selection{Case: "c2"}, []string{"c2/1", "c2/2", "c2/3", "c2/4"}},
		"a part of it":    {Selection{Case: "c2", After: 1, UpTo: 3}, []string{"c2/2", "c2/3"}},
		"everything":      {Selection{}, []string{"c1/1", "c1/2", "c1/3", "c1/4", "c2/1", "c2/2", "c2/3", "c2/4"}},
		"since yesterday": {Selection{Since: time.Now().Add(-2 * time.Hour)}, []string{"c1/1", "c1/2", "c1/3", "c1/4", "c2/1", "c2/2", "c2/3", "c2/4"}},
		"since a minute":  {Selection{Since: time.Now().Add(-time.Minute)}, nil},
		"an unknown case": {Selection{Case: "c9"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			n, err := s.relay.Replay(t.Context(), c.selection)
			if err != nil || int(n) != len(c.want) || !slices.Equal(s.recalled(), c.want) {
				t.Errorf("%d events, %v, %v; want %v", n, s.recalled(), err, c.want)
			}
		})
	}
}

func TestGapsSayWhoIsBehindAndWhatIsLost(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.log.both(4, 4)
	s.log.progress["delivery"][1].Next = 2
	s.handled("starter", "c1", 3)
	s.handled("starter", "c2", 3)
	s.handled("delivery", "c1", 2)
	var got []Gap
	if err := s.relay.Gaps(t.Context(), func(g Gap) error { got = append(got, g); return nil }); err != nil {
		t.Fatal(err)
	}
	want := []Gap{{Consumer: "delivery", Case: "c1", After: 2, Passed: true}, {Consumer: "delivery", Case: "c2"}}
	if !slices.Equal(got, want) {
		t.Errorf("gaps %+v", got)
	}
}
