package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/report"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
)

func (s *session) deadletterCommand() *cobra.Command {
	return group("deadletter", "Dead letters: what came over the event log and was put aside",
		s.deadletterList(), s.deadletterShow(), s.deadletterResend())
}

func (s *session) deadletterList() *cobra.Command {
	var state string
	c := s.command("list", "List what was put aside, oldest first", func(ctx context.Context, _ []string) error {
		params := client.ListDeadLettersParams{State: argument.Optional(client.ListDeadLettersParamsState(state))}
		if params.State != nil && !params.State.Valid() {
			return failure.Usage("want parked, dead, refused or resent", "--state: there is no such state")
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		all, err := pages(func(after *string) ([]deadletter.Letter, *string, error) {
			params.After = after
			got, err := api.ListDeadLettersWithResponse(ctx, &params)
			if err != nil {
				return nil, nil, err
			}
			page, err := client.Value(got, got.JSON200)
			return page.Letters, page.Next, err
		})
		if err != nil {
			return err
		}
		p := s.printer()
		header := []string{"FIRST", "STATE", "REASON", "CONSUMER", "CASE", "SEQ", "TIMES", "LETTER"}
		return output.List(p, all, header, func(l deadletter.Letter) []string {
			return []string{
				p.Instant(l.FirstAt), string(l.State), string(l.Reason), l.Consumer, l.Case, report.Number(l.CaseSeq), strconv.FormatInt(l.Times, 10), l.ID,
			}
		})
	})
	c.Flags().StringVar(&state, "state", "", "only this state: parked, dead, refused, resent")
	return c
}

func (s *session) deadletterShow() *cobra.Command {
	return s.command("show LETTER", "Show one letter; no foreign byte is kept, only where it lies and its digest", func(ctx context.Context, args []string) error {
		letterID, err := argument.ID("LETTER", args[0])
		if err != nil {
			return err
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.GetDeadLetterWithResponse(ctx, letterID)
		if err != nil {
			return err
		}
		l, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		return output.Show(s.printer(), l, s.letterLines())
	})
}

func (s *session) deadletterResend() *cobra.Command {
	var reason string
	c := s.command("resend LETTER", "Let the case of a letter go on, and publish its events again", func(ctx context.Context, args []string) error {
		letterID, err := argument.ID("LETTER", args[0])
		if err != nil {
			return err
		}
		if reason == "" {
			return failure.Usage("say why: --reason TEXT, 8 to 200 characters, no names of people", "--reason is missing")
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.ResendDeadLetterWithResponse(ctx, letterID, client.ResendDeadLetterJSONRequestBody{Reason: reason})
		if err != nil {
			return err
		}
		l, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		return output.Show(s.printer(), l, s.letterLines())
	})
	c.Flags().StringVar(&reason, "reason", "", "why; kept with the letter. Name no person")
	return c
}

// letterLines are the lines of a letter in the zone of the session.
func (s *session) letterLines() func(deadletter.Letter) []string {
	p := s.printer()
	return func(l deadletter.Letter) []string { return report.Letter(p, l) }
}
