package main

import (
	"context"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/report"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// watchSeconds is how long the broker holds an answer when nothing happens.
const watchSeconds = 25

func (s *session) caseWatch() *cobra.Command {
	var onward bool
	c := s.command("watch CASE", "Follow the events of a case until it is closed", func(ctx context.Context, args []string) error {
		caseID, err := argument.ID("CASE", args[0])
		if err != nil {
			return err
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		return s.watch(ctx, api, caseID, onward)
	})
	c.Long = c.Short + ". For machines, one event per line."
	c.Flags().BoolVar(&onward, "onward", false, "go on after the case is closed: recipients may still fetch")
	return c
}

func (s *session) watch(ctx context.Context, api *client.ClientWithResponses, caseID uuid.UUID, onward bool) error {
	p := s.printer()
	var after int64
	for {
		wait := watchSeconds
		got, err := api.ListCaseEventsWithResponse(ctx, caseID, &client.ListCaseEventsParams{AfterSeq: &after, WaitSeconds: &wait})
		if ctx.Err() != nil {
			return nil //nolint:nilerr // whoever watches has seen enough
		}
		if err != nil {
			return err
		}
		page, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		closed := false
		for _, e := range page.Events {
			after = e.CaseSeq
			closed = closed || e.Type == event.TypeCaseClosed
			if err := report.Event(p, e); err != nil {
				return err
			}
		}
		if closed && !onward {
			return nil
		}
	}
}
