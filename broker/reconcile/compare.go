package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/reconciliation"
)

// comparison is one run at work.
type comparison struct {
	*Reconcile
	id     string
	repair bool
	report reconciliation.Report
	saved  time.Time
	// held are the sequences that the log holds, by case.
	held map[string]seen
	// kept is, for partitions that have deleted their oldest records, the time of the oldest that is left.
	kept map[int]time.Time
	// began is when the log was first looked at; what is published later is not missed.
	began time.Time
}

// carryOut does what was wanted and writes the result.
func (r *Reconcile) carryOut(ctx context.Context, w wanted) {
	c := &comparison{Reconcile: r, id: w.id, repair: w.repair, held: map[string]seen{}, kept: map[int]time.Time{}}
	c.report.Findings = []reconciliation.Finding{}
	state := reconciliation.Done
	var beating sync.WaitGroup
	beat, stop := context.WithCancel(ctx)
	beating.Go(func() { r.beat(beat, w.id) })
	err := c.all(ctx)
	stop()
	beating.Wait()
	switch {
	case ctx.Err() != nil:
		state = reconciliation.Interrupted
	case err != nil:
		state, c.report.Error = reconciliation.Failed, contracts.KindOf(err).String()
		r.cfg.Log.ErrorContext(ctx, "reconciliation failed", "reconciliation_id", c.id, "error", err)
	default:
		r.cfg.Log.InfoContext(ctx, "reconciliation is done", "reconciliation_id", c.id, "repair", c.repair, "consistent", c.report.Consistent)
	}
	if err := r.end(context.WithoutCancel(ctx), c.id, state, c.report); err != nil {
		r.cfg.Log.ErrorContext(ctx, "result of reconciliation not written", "reconciliation_id", c.id, "error", err)
	}
}

func (c *comparison) all(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{c.counts, c.readLog, c.readLedger, c.gaps, c.askEngine, c.published} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	l, e := c.report.Log, c.report.Engine
	c.report.Consistent = c.repair || l.Lost+l.NotHandedOver+e.Absent+e.Ended+e.Behind == 0
	c.report.Phase = reconciliation.EndOfAll
	return nil
}

// phase begins a phase.
func (c *comparison) phase(ctx context.Context, p reconciliation.Phase, total int64) error {
	c.report.Phase, c.report.Done, c.report.Total = p, 0, total
	c.saved = time.Time{}
	return c.step(ctx, 0)
}

// step counts work done and saves it now and then.
func (c *comparison) step(ctx context.Context, n int64) error {
	c.report.Done += n
	if time.Since(c.saved) < c.cfg.Pause {
		return nil
	}
	c.saved = time.Now()
	return c.save(ctx, c.id, c.report)
}

// counts says what the ledger holds.
func (c *comparison) counts(ctx context.Context) error {
	c.began = c.cfg.DB.Now()
	l := &c.report.Ledger
	err := c.cfg.DB.Read().QueryRowContext(ctx, `select count(*), coalesce(sum(case when closed_at is null then 1 else 0 end), 0), cast(coalesce(sum(case_seq), 0) as bigint),
			(select count(*) from outbox where published_at is null),
			(select count(distinct case_id) from dead_letters where state in ('parked', 'dead'))
		from cases`).Scan(&l.Cases, &l.OpenCases, &l.Events, &l.Unpublished, &l.Stopped)
	if err != nil {
		return fmt.Errorf("count cases: %w", err)
	}
	return nil
}

// readLog notes what the log holds.
func (c *comparison) readLog(ctx context.Context) error {
	progress, err := c.around.Events.Progress(ctx, c.cfg.Starter)
	if err != nil {
		return fmt.Errorf("read event log: %w", err)
	}
	var total int64
	for _, p := range progress {
		total += p.End - p.First
		if p.First > 0 {
			c.kept[p.Partition] = c.began // until its oldest record is seen
		}
	}
	if err := c.phase(ctx, reconciliation.ReadEventLog, total); err != nil {
		return err
	}
	oldest := map[int]bool{}
	return c.around.Events.Scan(ctx, func(partition int, e event.Recorded, reason error) error {
		c.report.Log.Records++
		if reason != nil {
			c.report.Log.Undecodable++
			return c.step(ctx, 1)
		}
		if _, deleted := c.kept[partition]; deleted && !oldest[partition] {
			oldest[partition], c.kept[partition] = true, e.Time
		}
		c.held[e.Case] = c.held[e.Case].add(e.CaseSeq)
		return c.step(ctx, 1)
	})
}

// page is the number of cases that are looked at together.
const page = 500

// readLedger compares every case with what the log holds of it.
func (c *comparison) readLedger(ctx context.Context) error {
	if err := c.phase(ctx, reconciliation.ReadLedger, c.report.Ledger.Cases); err != nil {
		return err
	}
	for after := ""; ; {
		cases, err := c.cases(ctx, after)
		if err != nil {
			return err
		}
		if len(cases) == 0 {
			break
		}
		ids := make([]string, len(cases))
		for i, k := range cases {
			ids[i] = k.id
		}
		partitions, err := c.around.Events.Route(ctx, ids...)
		if err != nil {
			return fmt.Errorf("find partitions: %w", err)
		}
		for i, k := range cases {
			if err := c.compare(ctx, k, partitions[i]); err != nil {
				return err
			}
			if err := c.step(ctx, 1); err != nil {
				return err
			}
		}
		after = ids[len(ids)-1]
	}
	for _, id := range slices.Sorted(maps.Keys(c.held)) { // what is left is of no case of the ledger
		c.foreign(id, c.held[id].above(0))
	}
	return nil
}

// kase is a case of the ledger with its last sequence.
type kase struct {
	id  string
	seq int64
}

func (c *comparison) cases(ctx context.Context, after string) (out []kase, err error) {
	rows, err := c.cfg.DB.Read().QueryContext(ctx, `select id, case_seq from cases where id > $1 order by id limit $2`, after, page)
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var k kase
		if err := rows.Scan(&k.id, &k.seq); err != nil {
			return nil, fmt.Errorf("list cases: %w", err)
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// foreign notes records of events that the ledger does not hold. What is not the shape of an id is not repeated: it came
// from outside.
func (c *comparison) foreign(id string, n int64) {
	if n == 0 {
		return
	}
	c.report.Log.Foreign += n
	if uuid.Validate(id) != nil {
		id = ""
	}
	c.report.Add(reconciliation.Finding{
		Kind: reconciliation.ForeignRecord, Case: id, Detail: strconv.FormatInt(n, 10) + " records are none of the ledger's",
		Repair: "nothing: consumers have refused them",
	})
}

// compare looks for events of one case that were published and are not in the log.
func (c *comparison) compare(ctx context.Context, k kase, partition int) error {
	held := c.held[k.id]
	delete(c.held, k.id)
	c.foreign(k.id, held.above(k.seq))
	if held.covers(k.seq) {
		return nil
	}
	lost, err := c.lost(ctx, k.id, held, partition)
	if err != nil || len(lost) == 0 {
		return err
	}
	holes := make([]string, len(lost))
	for i, s := range lost {
		holes[i] = strconv.FormatInt(s.first, 10) + "–" + strconv.FormatInt(s.last, 10)
		c.report.Log.Lost += s.last - s.first + 1
	}
	c.report.Add(reconciliation.Finding{Kind: reconciliation.EventLost, Case: k.id, Detail: "events " + strings.Join(holes, ", "), Repair: "publish them again"})
	for _, s := range lost {
		if err := c.republish(ctx, Selection{Case: k.id, After: s.first - 1, UpTo: s.last}); err != nil {
			return err
		}
	}
	return nil
}

// lost lists the published sequences of a case that the log should hold and does not.
func (c *comparison) lost(ctx context.Context, id string, held seen, partition int) (out seen, err error) {
	rows, err := c.cfg.DB.Read().QueryContext(ctx, `select case_seq, published_at from outbox where case_id = $1 and published_at < $2 order by case_seq`, id, c.began)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var seq int64
		var at time.Time
		if err := rows.Scan(&seq, &at); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		kept, deleted := c.kept[partition]
		switch {
		case held.has(seq):
		case deleted && at.Before(kept):
			c.report.Log.Aged++
		default:
			out = out.add(seq)
		}
	}
	return out, rows.Err()
}

// republish has events published again when this is a repair.
func (c *comparison) republish(ctx context.Context, s Selection) error {
	if !c.repair {
		return nil
	}
	n, err := c.around.Outbox.Replay(ctx, s)
	c.report.Log.Republished += n
	return err
}

// gaps looks for what consumers lack.
func (c *comparison) gaps(ctx context.Context) error {
	return c.around.Outbox.Gaps(ctx, func(g Gap) error {
		if !g.Passed {
			c.report.Log.Behind++
			return c.step(ctx, 0)
		}
		c.report.Log.NotHandedOver++
		c.report.Add(reconciliation.Finding{
			Kind: reconciliation.NotHandedOver, Case: g.Case, Detail: g.Consumer + " lacks what follows event " + strconv.FormatInt(g.After, 10),
			Repair: "publish it again",
		})
		return errors.Join(c.republish(ctx, Selection{Case: g.Case, After: g.After}), c.step(ctx, 0))
	})
}

// published waits until the relay has published what was to be published again.
func (c *comparison) published(ctx context.Context) error {
	if !c.repair || c.report.Log.Republished == 0 {
		return nil
	}
	if err := c.phase(ctx, reconciliation.RepairAll, c.report.Log.Republished); err != nil {
		return err
	}
	tick := time.NewTicker(c.cfg.Pause)
	defer tick.Stop()
	for {
		left, err := c.around.Outbox.Unpublished(ctx)
		if err != nil {
			return err
		}
		c.report.Done = max(c.report.Done, c.report.Total-left)
		if err := c.step(ctx, 0); err != nil || left == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
