package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

func (s *session) ledgerCommand() *cobra.Command {
	verify := s.command("verify", "Check every receipt chain of the operator", func(ctx context.Context, _ []string) error {
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.VerifyLedgerWithResponse(ctx)
		if err != nil {
			return err
		}
		v, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		if err := output.Show(s.printer(), v, verificationLines); err != nil || v.Valid {
			return err
		}
		return failure.Hinted(contracts.Errorf(contracts.Internal, "verify ledger", "receipts do not verify"),
			"keep the database as it is; the receipts that portals hold show which events were altered")
	})
	verify.Long = verify.Short + ". It ends with an error when a receipt does not verify."
	return group("ledger", "The ledger: the record of all events", verify)
}

func verificationLines(v client.Verification) []string {
	verdict := "every receipt verifies"
	if !v.Valid {
		verdict = "NOT VALID"
	}
	lines := output.Pairs(
		"result", verdict,
		"cases", strconv.FormatInt(v.Cases, 10),
		"receipts", strconv.FormatInt(v.Receipts, 10),
		"signing key", v.KeyId,
		"public key", v.PublicKey,
	)
	return append(lines, v.Problems...)
}
