package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/report"
)

func (s *session) versionCommand() *cobra.Command {
	return s.command("version", "Show what this program was built from", func(context.Context, []string) error {
		return output.Show(s.printer(), report.BuildOf(), func(b report.Build) []string {
			return output.Pairs("version", b.Version, "revision", b.Revision, "go", b.Go, "platform", b.Platform, "schema", b.Schema)
		})
	})
}
