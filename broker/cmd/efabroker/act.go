package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

func (s *session) actCommand() *cobra.Command {
	return group("act", "Privileged acts: who erased, held or rewrapped what, and why", s.actList())
}

func (s *session) actList() *cobra.Command {
	var caseID, office string
	c := s.command("list", "List privileged acts, oldest first", func(ctx context.Context, _ []string) error {
		parsed, err := argument.OptionalID("--case", caseID)
		if err != nil {
			return err
		}
		open := s.operator
		if office != "" {
			open = func() (*client.ClientWithResponses, error) { return s.office(office) }
		}
		api, err := open()
		if err != nil {
			return err
		}
		acts, err := pages(func(after *string) ([]act.Act, *string, error) {
			got, err := api.ListPrivilegedActsWithResponse(ctx, &client.ListPrivilegedActsParams{CaseId: parsed, After: after})
			if err != nil {
				return nil, nil, err
			}
			page, err := client.Value(got, got.JSON200)
			return page.Acts, page.Next, err
		})
		if err != nil {
			return err
		}
		p := s.printer()
		return output.List(p, acts, []string{"AT", "ACT", "REASON", "BY", "TENANT", "CASE"}, func(a act.Act) []string {
			return []string{p.Instant(a.At), string(a.Kind), string(a.Reason), a.Actor.ID, string(a.Tenant), a.Case}
		})
	})
	c.Flags().StringVar(&caseID, "case", "", "only acts on this case")
	c.Flags().StringVar(&office, "as", "", "authority that looks: it sees what concerns its cases and its tenant's keys")
	return c
}

func (s *session) actLines(a act.Act) []string {
	return output.Pairs("act", string(a.Kind), "case", a.Case, "at", s.printer().Instant(a.At), "reason", string(a.Reason), "by", a.Actor.ID)
}
