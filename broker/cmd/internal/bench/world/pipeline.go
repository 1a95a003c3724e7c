package world

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/broker/delivery"
	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/relay"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Pipeline is relay and delivery as the broker wires them, each of which can be run alone and held.
type Pipeline struct {
	world  *World
	events eventlog.Events
	leases lease.Keeper
	log    *slog.Logger
	// Gate lets the relay publish once it is closed; without one it always may.
	Gate chan struct{}
}

// Pipeline is over an event log of which it is the only user.
func (w *World) Pipeline(log eventlog.Log) *Pipeline {
	return &Pipeline{world: w, events: eventlog.Events{Log: log}, leases: lease.Keeper{DB: w.DB, Holder: uuid.NewString()}, log: w.log}
}

// Publish implements relay.Publisher: it holds back until the gate is open.
func (p *Pipeline) Publish(ctx context.Context, events ...event.Recorded) error {
	if p.Gate != nil {
		select {
		case <-p.Gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return p.events.Publish(ctx, events...)
}

// Relay publishes until ctx ends.
func (p *Pipeline) Relay(ctx context.Context) error {
	return relay.New(relay.Config{DB: p.world.DB, Publisher: p, Commits: p.world.Ledger, Leases: p.leases, Log: p.log}).Run(ctx)
}

// Deliver consumes and writes inbox rows until ctx ends.
func (p *Pipeline) Deliver(ctx context.Context) error {
	return p.leases.Hold(ctx, "delivery", func(ctx context.Context, l lease.Lease) error {
		return p.events.Consume(ctx, delivery.Consumer, func(ctx context.Context, batch []event.Recorded) error {
			return p.world.Delivery.Handle(ctx, l, batch)
		})
	})
}

// Until runs work until left says that nothing is left.
func Until(ctx context.Context, left func(context.Context) (int, error), work ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range work {
		group.Go(func() error { return w(ctx) })
	}
	group.Go(func() error {
		defer cancel()
		return Drained(ctx, left)
	})
	return group.Wait()
}

// Drained returns when left says that nothing is left.
func Drained(ctx context.Context, left func(context.Context) (int, error)) error {
	tick := time.NewTicker(Patience)
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
		if time.Since(moved) > Stalled {
			return fmt.Errorf("%d are left and nothing has moved for %s", n, Stalled)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
