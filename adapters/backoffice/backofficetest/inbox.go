package backofficetest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

var _ backoffice.Port = (*Broker)(nil)

// Next implements backoffice.Port.
func (b *Broker) Next(ctx context.Context, cursor string) ([]delivery.Item, string, error) {
	return b.next(ctx, cursor, b.patience)
}

func (b *Broker) next(ctx context.Context, cursor string, patience time.Duration) ([]delivery.Item, string, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		b.mu.Lock()
		changed := b.changed
		err := b.fault()
		var items []delivery.Item
		if err == nil {
			items, err = b.behind(cursor)
		}
		b.mu.Unlock()
		switch {
		case err != nil:
			return nil, "", err
		case len(items) > 0:
			return items, items[len(items)-1].Cursor, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return items, cursor, nil
		case <-ctx.Done():
			return nil, "", contracts.Errorf(contracts.Unavailable, "read inbox", "%w", ctx.Err())
		}
	}
}

// Fetch implements backoffice.Port.
func (b *Broker) Fetch(_ context.Context, ref content.Ref, ask backoffice.Ask) (backoffice.Fetched, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fault(); err != nil {
		return backoffice.Fetched{}, err
	}
	c, ok := b.contents[ref.Content]
	out := backoffice.Fetched{
		Content: ref.Content, Case: c.Case, Form: c.Ref.Form, Outcome: decision.Release,
		Disclosure: uuid.NewSHA1(uuid.NameSpaceOID, []byte(ref.Content)).String(), Decision: uuid.NewString(),
		Released: []string{}, Withheld: map[string][]string{},
	}
	for _, f := range ask.Fields {
		if why, held := c.Withheld[f]; held {
			out.Withheld[f] = why
			out.Outcome = decision.Partial
		} else {
			out.Released = append(out.Released, f)
		}
	}
	if !ok || len(out.Released) == 0 {
		return backoffice.Fetched{}, contracts.Errorf(contracts.NotFound, "fetch content", "there is no such content")
	}
	slices.Sort(out.Released)
	out.Body = c.filter(out.Released)
	for _, item := range b.items {
		if slices.ContainsFunc(item.Contents, func(r content.Ref) bool { return r.Content == ref.Content }) &&
			item.State == delivery.Announced {
			item.State = delivery.Fetched
		}
	}
	return out, nil
}

func (c Content) filter(released []string) json.RawMessage {
	if c.Properties == nil {
		return c.Body
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(c.Body, &all) != nil {
		return c.Body
	}
	kept := map[string]json.RawMessage{}
	for _, f := range released {
		if v, ok := all[c.Properties[f]]; ok {
			kept[c.Properties[f]] = v
		}
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return nil
	}
	return raw
}

// Confirm implements backoffice.Port.
func (b *Broker) Confirm(_ context.Context, deliveryID string, why delivery.Rejection) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fault(); err != nil {
		return err
	}
	item := b.item(deliveryID)
	if item == nil {
		return contracts.Errorf(contracts.NotFound, "answer delivery", "there is no such delivery")
	}
	next := delivery.Accepted
	if why != "" {
		next = delivery.Rejected
	}
	if item.State == next && b.rejected[deliveryID] == why {
		return nil
	}
	if err := item.State.Move(next); err != nil {
		return contracts.Errorf(contracts.Conflict, "answer delivery", "%w", err)
	}
	item.State = next
	b.rejected[deliveryID] = why
	b.signal()
	return nil
}
