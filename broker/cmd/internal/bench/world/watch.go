package world

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Patience is the pause between two looks at how far something is; short against what is measured, long against a look.
const Patience = 20 * time.Millisecond

// Stalled is how long nothing may move before a run gives up.
const Stalled = time.Minute

// Watch tells of what happens to cases: it looks into the inbox at each arrival, and at the cases in hand regularly.
type Watch struct {
	world *World
	group *errgroup.Group
	end   context.CancelFunc

	mu       sync.Mutex
	after    int64
	arrivals map[string]chan Announcement
	ends     map[string]chan struct{}
	failed   chan struct{} // closed with fault
	fault    error
}

// Watch begins behind everything that is in the inbox now. The caller stops it.
func (w *World) Watch(ctx context.Context) (*Watch, error) {
	at := &Watch{world: w, arrivals: map[string]chan Announcement{}, ends: map[string]chan struct{}{}, failed: make(chan struct{})}
	last, err := w.lastAnnounced(ctx)
	if err != nil {
		return nil, err
	}
	at.after = last
	ctx, at.end = context.WithCancel(ctx)
	at.group, ctx = errgroup.WithContext(ctx)
	at.group.Go(func() error { return at.looks(ctx) })
	return at, nil
}

// Stop ends it.
func (w *Watch) Stop() {
	w.end()
	_ = w.group.Wait() // a fault was told to all who waited
}

// looks until ctx ends.
func (w *Watch) looks(ctx context.Context) error {
	tick := time.NewTicker(Patience)
	defer tick.Stop()
	for {
		arrivals := w.world.arrived()
		if err := w.look(ctx); err != nil {
			w.fault = err
			close(w.failed)
			return err
		}
		select {
		case <-arrivals:
		case <-tick.C:
		case err := <-w.world.broker.Failed():
			w.fault = err
			close(w.failed)
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *Watch) look(ctx context.Context) error {
	found, err := w.world.announced(ctx, w.after)
	if err != nil {
		return err
	}
	for _, a := range found {
		w.after = a.Seq
		w.announcement(a.Case) <- a
	}
	ended, err := w.world.closed(ctx, w.waiting())
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ended {
		close(w.ends[id])
		delete(w.ends, id)
	}
	return nil
}

func (w *Watch) waiting() (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.ends {
		ids = append(ids, id)
	}
	return ids
}

// announcement is the channel of a case, made by whoever comes first.
func (w *Watch) announcement(caseID string) chan Announcement {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.arrivals[caseID]
	if !ok {
		c = make(chan Announcement, 1)
		w.arrivals[caseID] = c
	}
	return c
}

// Arrival waits until the task of a case is in the inbox.
func (w *Watch) Arrival(ctx context.Context, caseID string) (Announcement, error) {
	select {
	case a := <-w.announcement(caseID):
		return a, nil
	case <-w.failed:
		return Announcement{}, w.fault
	case <-ctx.Done():
		return Announcement{}, ctx.Err()
	case <-time.After(Stalled):
		return Announcement{}, fmt.Errorf("case %s was not announced within %s", caseID, Stalled)
	}
}

// Closed waits until a case has ended.
func (w *Watch) Closed(ctx context.Context, caseID string) error {
	c := make(chan struct{})
	w.mu.Lock()
	w.ends[caseID] = c
	w.mu.Unlock()
	select {
	case <-c:
		return nil
	case <-w.failed:
		return w.fault
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(Stalled):
		return fmt.Errorf("case %s did not end within %s", caseID, Stalled)
	}
}
