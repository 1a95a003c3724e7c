package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

func (s *session) disclosureCommand() *cobra.Command {
	return group("disclosure", "Disclosures: who obtained what, why, and by which decision",
		s.disclosureList(), s.disclosureExplain(), s.disclosureReplay())
}

func (s *session) disclosureList() *cobra.Command {
	var caseID, outcome string
	c := s.command("list", "List disclosures and refusals, oldest first", func(ctx context.Context, _ []string) error {
		parsed, err := argument.OptionalID("--case", caseID)
		if err != nil {
			return err
		}
		params := client.ListDisclosuresParams{CaseId: parsed, Outcome: argument.Optional(client.ListDisclosuresParamsOutcome(outcome))}
		if params.Outcome != nil && !params.Outcome.Valid() {
			return failure.Usage("want release, partial or refuse", "--outcome: there is no such outcome")
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		all, err := pages(func(after *string) ([]client.Disclosure, *string, error) {
			params.After = after
			got, err := api.ListDisclosuresWithResponse(ctx, &params)
			if err != nil {
				return nil, nil, err
			}
			page, err := client.Value(got, got.JSON200)
			return page.Disclosures, page.Next, err
		})
		if err != nil {
			return err
		}
		p := s.printer()
		header := []string{"DECIDED", "OUTCOME", "RECIPIENT", "PURPOSE", "LEGAL BASIS", "FIELDS", "DECISION"}
		return output.List(p, all, header, func(d client.Disclosure) []string {
			return []string{
				p.Instant(d.DecidedAt), string(d.Outcome), string(d.Recipient), d.Purpose, d.LegalBasis, output.Numbers(d.Fields), d.Decision,
			}
		})
	})
	c.Flags().StringVar(&caseID, "case", "", "only disclosures of this case")
	c.Flags().StringVar(&outcome, "outcome", "", "only this outcome: release, partial, refuse")
	return c
}

func (s *session) disclosureExplain() *cobra.Command {
	return s.command("explain DECISION", "Explain one decision in a sentence, from its record alone", func(ctx context.Context, args []string) error {
		decisionID, err := argument.ID("DECISION", args[0])
		if err != nil {
			return err
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.ExplainDecisionWithResponse(ctx, decisionID)
		if err != nil {
			return err
		}
		e, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		return output.Show(s.printer(), e, func(e client.Explanation) []string {
			return append([]string{e.De, e.En, ""}, output.Pairs("outcome", e.Outcome, "reasons", strings.Join(e.Reasons, " "))...)
		})
	})
}

func (s *session) disclosureReplay() *cobra.Command {
	c := s.command("replay DECISION", "Decide a recorded input again on its policy revision and compare", func(ctx context.Context, args []string) error {
		decisionID, err := argument.ID("DECISION", args[0])
		if err != nil {
			return err
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.ReplayDecisionWithResponse(ctx, decisionID)
		if err != nil {
			return err
		}
		r, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		if err := output.Show(s.printer(), r, replayLines); err != nil || r.Identical {
			return err
		}
		return failure.Hinted(contracts.Errorf(contracts.Conflict, "replay decision", "it is decided otherwise now"),
			"the same input on the same revision must give the same decision: ask the maintainers")
	})
	c.Long = c.Short + ". It ends with an error when the decision differs."
	return c
}

func replayLines(r client.Replay) []string {
	verdict := "identical"
	if !r.Identical {
		verdict = "different"
	}
	differences := ""
	if r.Differences != nil {
		differences = output.Numbers(*r.Differences)
	}
	return output.Pairs("decision", r.DecisionId, "policy revision", r.PolicyRevision, "replayed", verdict, "differences", differences)
}
