package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/play"
)

// demoCommand plays the main job against any broker: the same steps as standalone demo.
func (s *session) demoCommand() *cobra.Command {
	var example string
	var noOffices bool
	c := s.command("demo", "Play the move of a business against a running broker", func(ctx context.Context, _ []string) error {
		return play.Demo(ctx, play.Config{Client: s.cfg, Example: example, Offices: !noOffices, Out: s.program.Stdout})
	})
	c.Flags().StringVar(&example, "example", "", "example application to file, by file name")
	c.Flags().BoolVar(&noOffices, "no-offices", false, "do not play the back offices, because they run elsewhere")
	return c
}
