package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

func (s *session) authorityCommand() *cobra.Command {
	return group("authority", "Authorities of the operator", s.authorityList(), s.authorityShow())
}

func (s *session) authorityList() *cobra.Command {
	return s.command("list", "List every authority of the operator", func(ctx context.Context, _ []string) error {
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.ListAuthoritiesWithResponse(ctx)
		if err != nil {
			return err
		}
		page, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		header := []string{"AUTHORITY", "TENANT", "KIND", "REGION", "ROLES", "NAME"}
		return output.List(s.printer(), page.Authorities, header, func(a client.Authority) []string {
			return []string{string(a.ID), string(a.Tenant), string(a.Kind), string(a.Region), roles(a), a.Name}
		})
	})
}

func (s *session) authorityShow() *cobra.Command {
	return s.command("show AUTHORITY", "Show one authority", func(ctx context.Context, args []string) error {
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.GetAuthorityWithResponse(ctx, args[0])
		if err != nil {
			return err
		}
		found, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		return output.Show(s.printer(), found, func(a client.Authority) []string {
			waived := "no"
			if a.Waived {
				waived = "yes: it receives no regular transfers (GewO § 14(8) s. 1)"
			}
			return output.Pairs(
				"authority", string(a.ID),
				"name", a.Name,
				"kind", string(a.Kind),
				"tenant", string(a.Tenant),
				"operator", string(a.Operator),
				"region", string(a.Region),
				"roles", roles(a),
				"waived", waived,
				"entry", a.Mark,
			)
		})
	})
}

func roles(a client.Authority) string {
	var names []string
	for _, r := range a.Roles {
		names = append(names, string(r))
	}
	return strings.Join(names, " ")
}
