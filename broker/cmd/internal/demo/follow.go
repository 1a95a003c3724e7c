package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// waitSeconds is how long one long poll for events waits.
const waitSeconds = 5

// seen is an event of one of the two cases, or why there is no further one.
type seen struct {
	of    *CaseReport
	event event.Recorded
	err   error
}

// follow shows the events of the registration, and of the deregistration once it exists, until both are closed.
func (d *Demo) follow(ctx context.Context, r *Report) error {
	go d.tail(ctx, r.Registration)
	return d.await(ctx, r, func() bool { return r.Registration.Closed && (r.Deregistration == nil || r.Deregistration.Closed) })
}

// fetches shows further events until every authority that was told has fetched.
func (d *Demo) fetches(ctx context.Context, r *Report) error {
	return d.await(ctx, r, func() bool {
		return !slices.ContainsFunc(r.cases(), func(c *CaseReport) bool { return !c.allFetched() })
	})
}

// await shows events as they come until done, or until patience ends; then Report.Missing tells what was not seen.
func (d *Demo) await(ctx context.Context, r *Report, done func() bool) error {
	patience := time.NewTimer(d.cfg.Patience)
	defer patience.Stop()
	for !done() {
		select {
		case s := <-d.events:
			if s.err != nil {
				return s.err
			}
			opened := r.Deregistration
			if err := s.of.see(r, s.event); err != nil {
				return contracts.Errorf(contracts.Internal, "read event", "%w", err)
			}
			if r.Deregistration != opened {
				go d.tail(ctx, r.Deregistration)
			}
			d.show.event(r, s.of, s.event)
		case <-patience.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// tail reads the events of one case in order, as they come, until the run ends.
func (d *Demo) tail(ctx context.Context, c *CaseReport) {
	var after int64
	for ctx.Err() == nil {
		events, err := d.next(ctx, c.ID, after)
		if err != nil {
			d.tell(ctx, seen{of: c, err: fmt.Errorf("follow case %s: %w", c.ID, err)})
			return
		}
		for _, e := range events {
			after = e.CaseSeq
			d.tell(ctx, seen{of: c, event: e})
		}
	}
}

func (d *Demo) tell(ctx context.Context, s seen) {
	select {
	case d.events <- s:
	case <-ctx.Done():
	}
}

func (d *Demo) next(ctx context.Context, caseID string, after int64) ([]event.Recorded, error) {
	wait := waitSeconds
	answer, err := d.operator.ListCaseEventsWithResponse(ctx, uuid.MustParse(caseID), &client.ListCaseEventsParams{AfterSeq: &after, WaitSeconds: &wait})
	if err != nil {
		return nil, err
	}
	page, err := client.Value(answer, answer.JSON200)
	return page.Events, err
}

// see notes what an event says about the case.
func (c *CaseReport) see(r *Report, e event.Recorded) error {
	switch e.Type {
	case event.TypeCaseSubmitted:
		s, err := event.Decode[event.CaseSubmitted](e)
		if err != nil {
			return err
		}
		c.Lead, c.Parties = s.Lead, s.Parties
		c.Content = string(contentOf(s.Contents))
	case event.TypeTaskCompleted:
		t, err := event.Decode[event.TaskCompleted](e)
		if err != nil {
			return err
		}
		c.Outcomes = append(c.Outcomes, t.Outcome)
		if t.Opened != "" {
			r.Deregistration = &CaseReport{ID: t.Opened}
		}
	case event.TypeContentAnnounced:
		a, err := event.Decode[event.ContentAnnounced](e)
		if err != nil {
			return err
		}
		c.Announced = append(c.Announced, a.Authority)
	case event.TypeDisclosureRecorded:
		x, err := event.Decode[event.DisclosureRecorded](e)
		if err != nil {
			return err
		}
		if c.fetched == nil {
			c.fetched = map[authority.ID]bool{}
		}
		c.fetched[x.Authority] = true
	case event.TypeCaseAcknowledged:
		c.Acknowledged = true
	case event.TypeCaseClosed:
		c.Closed = true
	}
	return nil
}

func contentOf(refs []content.Ref) content.ID {
	for _, ref := range refs {
		if ref.Kind == content.Application {
			return ref.Content
		}
	}
	return ""
}
