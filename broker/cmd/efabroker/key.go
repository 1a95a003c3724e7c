package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

func (s *session) keyCommand() *cobra.Command {
	return group("key", "The keys of tenants", s.keyRewrap())
}

func (s *session) keyRewrap() *cobra.Command {
	var reason string
	c := s.command("rewrap TENANT", "Put every key of a tenant under a new tenant key and destroy the old one", func(ctx context.Context, args []string) error {
		if err := checkReason(act.Rewrap, reason); err != nil {
			return err
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.RewrapKeysWithResponse(ctx, client.RewrapKeysJSONRequestBody{Tenant: args[0], Reason: client.RewrapKeysJSONBodyReason(reason)})
		if err != nil {
			return err
		}
		r, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		return output.Show(s.printer(), r, func(r client.Rewrapped) []string {
			return output.Pairs("tenant", r.Tenant, "version of the tenant key", strconv.FormatInt(r.Version, 10), "keys under it", strconv.FormatInt(r.Keys, 10))
		})
	})
	reasonFlag(c, &reason, act.Rewrap)
	return c
}
