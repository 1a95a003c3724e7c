package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Inspector tells what the event log holds and how far a consumer has come.
type Inspector interface {
	Progress(ctx context.Context, consumer string) ([]event.Progress, error)
	Route(ctx context.Context, cases ...string) ([]int, error)
}

// Consumer is one who keeps its positions in the ledger database.
type Consumer struct {
	Name string
	// EngineOnly says that it advances with events that are handed over to the process only.
	EngineOnly bool
}

// Gap is a case of which a consumer has not handled all published events.
type Gap struct {
	Consumer string
	Case     string
	// After is the last case_seq that the consumer has handled.
	After int64
	// Passed says that nothing in the log will bring the events any more: the consumer has passed the place where they
	// were, or the log has lost them. Otherwise the consumer is merely behind.
	Passed bool
}

// ends are the ends of the partitions by consumer and partition, as they were at an instant.
type ends struct {
	at time.Time
	of map[string]map[int]int64
}

// skew is by how much clocks of replicas may differ: an event may be younger than its row says.
const skew = 2 * time.Second

// Gaps lists every gap as it is now, in published events of all shards, cases that a dead letter stops left out.
func (r *Relay) Gaps(ctx context.Context, visit func(Gap) error) error {
	shards := make([]int64, r.cfg.Shards)
	for i := range shards {
		shards[i] = int64(i)
	}
	for _, c := range r.cfg.Consumers {
		search := search{consumer: c, shards: shards, before: r.cfg.DB.Now()}
		var err error
		if search.caught, _, err = r.caught(ctx, c.Name, ends{}); err != nil {
			return err
		}
		err = r.gaps(ctx, search, func(page []Gap) error {
			for _, g := range page {
				if err := visit(g); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// caught tells of which partitions a consumer has read everything that they held at the earlier look, or now when there
// was none or the log has begun anew since. It returns the ends of now.
func (r *Relay) caught(ctx context.Context, consumer string, earlier ends) (caught map[int]bool, now map[int]int64, err error) {
	progress, err := r.cfg.Inspector.Progress(ctx, consumer)
	if err != nil {
		return nil, nil, fmt.Errorf("ask how far %s has come: %w", consumer, err)
	}
	caught, now = map[int]bool{}, map[int]int64{}
	for _, p := range progress {
		end := p.End
		if before, known := earlier.of[consumer][p.Partition]; known {
			end = min(end, before)
		}
		caught[p.Partition], now[p.Partition] = p.Next >= end, p.End
	}
	return caught, now, nil
}

// search says which gaps are wanted.
type search struct {
	consumer Consumer
	shards   []int64
	before   time.Time // published before
	caught   map[int]bool
}

const gapPage = 500

// gaps hands over pages of gaps.
func (r *Relay) gaps(ctx context.Context, s search, visit func([]Gap) error) error {
	after := ""
	for {
		page, last, err := r.gapPage(ctx, s, after)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		cases := make([]string, len(page))
		for i, g := range page {
			cases[i] = g.Case
		}
		partitions, err := r.cfg.Inspector.Route(ctx, cases...)
		if err != nil {
			return fmt.Errorf("find partitions: %w", err)
		}
		for i := range page {
			page[i].Passed = s.caught[partitions[i]]
		}
		if err := visit(page); err != nil {
			return err
		}
		after = last
	}
}

func (r *Relay) gapPage(ctx context.Context, s search, after string) (page []Gap, last string, err error) {
	engineOnly := ""
	if s.consumer.EngineOnly {
		engineOnly = ` and exists (select 1 from events e where e.case_id = o.case_id and e.case_seq = o.case_seq and e.engine_seq > 0)`
	}
	rows, err := r.cfg.DB.Read().QueryContext(ctx, `select c.id, coalesce(p.case_seq, 0) from cases c
		left join consumer_positions p on p.consumer = $1 and p.case_id = c.id
		where c.id > $2 and c.case_seq > coalesce(p.case_seq, 0)
			and exists (select 1 from outbox o where o.case_id = c.id and o.case_seq > coalesce(p.case_seq, 0)
				and o.published_at < $3 and o.shard in (`+list(s.shards)+`)`+engineOnly+`)
			and not exists (select 1 from dead_letters d where d.case_id = c.id and d.consumer in ('', $1) and d.state in ('parked', 'dead'))
		order by c.id limit $4`, s.consumer.Name, after, s.before, gapPage)
	if err != nil {
		return nil, "", fmt.Errorf("look for events that are not handed over: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		g := Gap{Consumer: s.consumer.Name}
		if err := rows.Scan(&g.Case, &g.After); err != nil {
			return nil, "", fmt.Errorf("look for events that are not handed over: %w", err)
		}
		page, last = append(page, g), g.Case
	}
	return page, last, rows.Err()
}

// list writes numbers of this program as SQL.
func list(numbers []int64) string {
	text := make([]string, len(numbers))
	for i, n := range numbers {
		text[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(text, ", ")
}

// mend has published events of the held shards published again that nothing in the log will bring to a consumer any
// more. earlier is the last look; without one, everything published before now counts, because whoever has just taken a
// lease has published nothing yet. It returns the look of now.
func (r *Relay) mend(ctx context.Context, held map[int64]lease.Lease, earlier ends) (ends, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Poll*2)
	defer cancel()
	now := ends{at: r.cfg.DB.Now(), of: map[string]map[int]int64{}}
	before := now.at
	if earlier.of != nil {
		before = earlier.at.Add(-skew)
	}
	shards := make([]int64, 0, len(held))
	for shard := range held {
		shards = append(shards, shard)
	}
	for _, c := range r.cfg.Consumers {
		caught, at, err := r.caught(ctx, c.Name, earlier)
		if err != nil {
			return ends{}, err
		}
		now.of[c.Name] = at
		err = r.gaps(ctx, search{consumer: c, shards: shards, before: before, caught: caught}, func(page []Gap) error {
			return r.recall(ctx, held, page, before)
		})
		if err != nil {
			return ends{}, err
		}
	}
	return now, nil
}

// recall marks the events of passed gaps as unpublished, under the leases of the shards.
func (r *Relay) recall(ctx context.Context, held map[int64]lease.Lease, page []Gap, before time.Time) error {
	var recalled int64
	err := r.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		for _, l := range held {
			if err := lease.Check(ctx, tx, l); err != nil {
				return err
			}
		}
		for _, g := range page {
			if !g.Passed {
				continue
			}
			res, err := tx.Exec(ctx, `update outbox set published_at = null where case_id = $1 and case_seq > $2 and published_at < $3`, g.Case, g.After, before)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return fmt.Errorf("count events: %w", err)
			}
			recalled += n
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("recall events: %w", err)
	}
	if recalled > 0 {
		r.cfg.Log.WarnContext(ctx, "events were published and not handed over, they are published again", "consumer", page[0].Consumer, "events", recalled)
	}
	return nil
}
