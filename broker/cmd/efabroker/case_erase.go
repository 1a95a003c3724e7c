package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// reasonFlag adds the flag that every privileged act needs.
func reasonFlag(c *cobra.Command, reason *string, k act.Kind) {
	c.Flags().StringVar(reason, "reason", "", "why, one of: "+codes(k))
	c.Long = c.Short + ".\n\nThis is a privileged act: it is recorded with actor and reason, and the body concerned sees it."
}

func codes(k act.Kind) string {
	var out []string
	for _, r := range act.Reasons(k) {
		out = append(out, string(r))
	}
	return strings.Join(out, ", ")
}

// checkReason refuses a reason that the act cannot have, before anybody is asked.
func checkReason(k act.Kind, reason string) error {
	if act.Reason(reason).Fits(k) {
		return nil
	}
	return failure.Usage("want one of: "+codes(k), "--reason is missing or no reason for this act")
}

func (s *session) caseErase() *cobra.Command {
	var reason string
	c := s.command("erase CASE", "Destroy the keys of a closed case, so that nobody can open its content again", func(ctx context.Context, args []string) error {
		caseID, err := argument.ID("CASE", args[0])
		if err != nil {
			return err
		}
		if err := checkReason(act.Erase, reason); err != nil {
			return err
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.EraseCaseWithResponse(ctx, caseID, client.EraseCaseJSONRequestBody{Reason: client.EraseCaseJSONBodyReason(reason)})
		if err != nil {
			return err
		}
		e, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		p := s.printer()
		return output.Show(p, e, func(e client.Erasure) []string {
			return output.Pairs("case", e.CaseId, "erasure", e.ErasureId, "erased", p.Instant(e.ErasedAt), "reason", e.Reason)
		})
	})
	reasonFlag(c, &reason, act.Erase)
	return c
}

func (s *session) caseHold() *cobra.Command {
	var reason string
	c := s.command("hold CASE", "Forbid erasing a case until the hold is lifted", func(ctx context.Context, args []string) error {
		caseID, err := argument.ID("CASE", args[0])
		if err != nil {
			return err
		}
		if err := checkReason(act.Hold, reason); err != nil {
			return err
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.HoldCaseWithResponse(ctx, caseID, client.HoldCaseJSONRequestBody{Reason: client.HoldCaseJSONBodyReason(reason)})
		if err != nil {
			return err
		}
		a, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		return output.Show(s.printer(), a, s.actLines)
	})
	reasonFlag(c, &reason, act.Hold)
	return c
}

func (s *session) caseLiftHold() *cobra.Command {
	var reason string
	c := s.command("lift-hold CASE", "Permit erasing a held case again", func(ctx context.Context, args []string) error {
		caseID, err := argument.ID("CASE", args[0])
		if err != nil {
			return err
		}
		if err := checkReason(act.LiftHold, reason); err != nil {
			return err
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.LiftHoldWithResponse(ctx, caseID, &client.LiftHoldParams{Reason: client.LiftHoldParamsReason(reason)})
		if err != nil {
			return err
		}
		a, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		return output.Show(s.printer(), a, s.actLines)
	})
	reasonFlag(c, &reason, act.LiftHold)
	return c
}
