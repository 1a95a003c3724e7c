package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/broker/delivery"
	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/relay"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// pipeline is relay and delivery as the broker wires them, each of which can be run alone and held.
type pipeline struct {
	run    *run
	events eventlog.Events
	leases lease.Keeper
	// handled counts events that delivery was given.
	handled atomic.Int64
	// open lets the relay publish; a nil channel always does.
	open chan struct{}
}

func (r *run) pipeline() *pipeline {
	return &pipeline{run: r, events: eventlog.Events{Log: r.events}, leases: lease.Keeper{DB: r.world.DB, Holder: uuid.NewString()}}
}

// Publish holds back until the gate is open.
func (p *pipeline) Publish(ctx context.Context, events ...event.Recorded) error {
	if p.open != nil {
		select {
		case <-p.open:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return p.events.Publish(ctx, events...)
}

// relay publishes until ctx ends.
func (p *pipeline) relay(ctx context.Context) error {
	return relay.New(relay.Config{DB: p.run.world.DB, Publisher: p, Commits: p.run.world.Ledger, Leases: p.leases, Log: p.run.log}).Run(ctx)
}

// deliver consumes and writes inbox rows until ctx ends.
func (p *pipeline) deliver(ctx context.Context) error {
	return p.leases.Hold(ctx, "delivery", func(ctx context.Context, l lease.Lease) error {
		return p.events.Consume(ctx, delivery.Consumer, func(ctx context.Context, batch []event.Recorded) error {
			if err := p.run.world.Delivery.Handle(ctx, l, batch); err != nil {
				return err
			}
			p.handled.Add(int64(len(batch)))
			return nil
		})
	})
}

// patience is the pause between two looks at how much is left; short against what is measured, long against a look.
const patience = 20 * time.Millisecond

// waitFor runs work until left says that nothing is left.
func waitFor(ctx context.Context, left func(context.Context) (int, error), work ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range work {
		group.Go(func() error { return w(ctx) })
	}
	group.Go(func() error {
		defer cancel()
		return drained(ctx, left)
	})
	return group.Wait()
}

// stalled is how long nothing may move before the run gives up.
const stalled = time.Minute

func drained(ctx context.Context, left func(context.Context) (int, error)) error {
	tick := time.NewTicker(patience)
	defer tick.Stop()
	last, moved := -1, time.Now()
	for {
		n, err := left(ctx)
		if err != nil || n == 0 {
			return err
		}
		if n != last {
			last, moved = n, time.Now()
		}
		if time.Since(moved) > stalled {
			return fmt.Errorf("%d are left and nothing has moved for %s", n, stalled)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
