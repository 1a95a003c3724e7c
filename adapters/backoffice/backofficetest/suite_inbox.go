package backofficetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/law"
)

func inboxInOrder(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	var wanted []delivery.Item
	for range 3 {
		wanted = append(wanted, s.Announce(delivery.Item{}))
	}
	got, cursor := read(t.Context(), t, p, "", 3)
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Error(diff)
	}
	last := s.Announce(delivery.Item{})
	got, next := read(t.Context(), t, p, cursor, 1)
	if diff := cmp.Diff([]delivery.Item{last}, got); diff != "" {
		t.Error(diff)
	}
	if next != last.Cursor {
		t.Errorf("cursor is %q, want that of the last item, %q", next, last.Cursor)
	}
	if got, _ = read(t.Context(), t, p, wanted[0].Cursor, 3); got[0].ID != wanted[1].ID {
		t.Error("reading behind the first item does not begin with the second")
	}
}

func itemArrivesWhole(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	due := time.Date(2026, 11, 28, 23, 0, 0, 0, time.UTC)
	wanted := s.Announce(delivery.Item{
		Kind: delivery.TaskItem, Role: "previous", Service: "99050012104000", Task: "c.forward.1",
		Outcomes: []string{"deregistered"}, Opens: "99050012070000", Purpose: "notice.forward",
		Deadline: &law.Deadline{Law: "gewo-15-1", LegalBasis: "GewO § 15(1)", Due: &due, SilenceEffect: law.None},
		Contents: []content.Ref{notice(s)},
	})
	got, _ := read(t.Context(), t, p, "", 1)
	if diff := cmp.Diff(wanted, got[0]); diff != "" {
		t.Error(diff)
	}
}

func readingWaits(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	got := make(chan string, 1)
	go func() {
		var cursor string
		for {
			items, next, err := p.Next(t.Context(), cursor)
			if err != nil || len(items) > 0 {
				if err == nil {
					got <- items[0].ID
				}
				close(got)
				return
			}
			cursor = next
		}
	}()
	wanted := s.Announce(delivery.Item{})
	if id := <-got; id != wanted.ID {
		t.Errorf("got %q, want %q", id, wanted.ID)
	}
}

func readingEndsWithContext(t *testing.T, _ Server, p backoffice.Port) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := p.Next(ctx, "")
	want(t, err, contracts.Unavailable)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end in the chain", err)
	}
}

func restoreReadsUndone(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	ref := notice(s)
	done := s.Announce(delivery.Item{Contents: []content.Ref{ref}})
	undone := s.Announce(delivery.Item{})
	_, cursor := read(t.Context(), t, p, "", 2)
	_, err := p.Fetch(t.Context(), ref, ask("gewa1.1"))
	ok(t, err)
	ok(t, p.Confirm(t.Context(), done.ID, ""))
	s.Restore()
	got, _ := read(t.Context(), t, p, cursor, 1)
	if len(got) != 1 || got[0].ID != undone.ID {
		t.Errorf("got %d items, want the undone one only", len(got))
	}
}

func foreignCursor(t *testing.T, _ Server, p backoffice.Port) {
	t.Helper()
	_, _, err := p.Next(t.Context(), "none of ours")
	want(t, err, contracts.Invalid)
}

func tokenReplaced(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	s.Announce(delivery.Item{})
	_, cursor := read(t.Context(), t, p, "", 1)
	s.Issuer.Revoke()
	s.Announce(delivery.Item{})
	read(t.Context(), t, p, cursor, 1)
}

func concurrent(t *testing.T, s Server, p backoffice.Port) {
	t.Helper()
	ref := notice(s)
	item := s.Announce(delivery.Item{Contents: []content.Ref{ref}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := p.Next(t.Context(), ""); err != nil {
				t.Error(err)
			}
			if _, err := p.Fetch(t.Context(), ref, ask("gewa1.1")); err != nil {
				t.Error(err)
			}
			if err := p.Confirm(t.Context(), item.ID, ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if state, _ := s.State(item.ID); state != delivery.Accepted {
		t.Errorf("delivery is %s, want accepted", state)
	}
}
