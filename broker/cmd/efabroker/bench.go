package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/service"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
)

// benchCommand measures the broker over outside engines, or its stores alone.
func (s *session) benchCommand() *cobra.Command {
	b := &bench.Command{Stdout: s.program.Stdout, Stderr: s.program.Stderr, Log: s.logger(config.Log{Level: "error", Format: "text"})}
	c := &cobra.Command{
		Use: "bench", Short: "Measure the broker over outside engines, or its stores alone", Args: cobra.NoArgs,
		Long: "Measure the broker over the outside engines that the settings of efabroker serve name (EFA_LEDGER_URL and so on); without a ledger, its stores " +
			"alone on SQLite, in a scratch directory. The engines are the benchmark's alone: new databases to which efabroker migrate was applied, an event log " +
			"without cases, a namespace in which nothing runs. Anything else is refused and nothing is written.\n\n" + bench.Long(),
	}
	c.Flags().SortFlags = false
	b.AddFlags(c.Flags())
	config.AddFlags(c.Flags(), &config.Bench{})
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		var cfg config.Bench
		if _, err := config.Load(&cfg, config.Source{Environ: s.program.Environ, Flags: cmd.Flags()}); err != nil {
			return failure.Hinted(err, "efabroker config --reference lists every setting")
		}
		return b.Run(cmd.Context(), func(_ context.Context, dir string) (bench.Place, func(context.Context) error, error) {
			p, err := service.Place(cfg, dir)
			if err == nil {
				if err = os.MkdirAll(p.Dir, 0o700); err != nil {
					err = contracts.Errorf(contracts.Internal, "make scratch directory", "%w", err)
				}
			}
			return p, nil, err
		})
	}
	return c
}
