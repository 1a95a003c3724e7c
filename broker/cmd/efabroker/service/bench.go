package service

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
)

// benchCommand measures the broker over outside engines, or its stores alone.
func benchCommand(environ []string, stdout, stderr io.Writer) *cobra.Command {
	b := &bench.Command{Stdout: stdout, Stderr: stderr, Log: logger(stderr, config.Log{Level: "error", Format: "text"})}
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
		if _, err := config.Load(&cfg, config.Source{Environ: environ, Flags: cmd.Flags()}); err != nil {
			return failure.Hinted(err, "efabroker config --reference lists every setting")
		}
		return b.Run(cmd.Context(), func(_ context.Context, dir string) (bench.Place, func(context.Context) error, error) {
			p, err := place(cfg, dir)
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

// place is where a benchmark takes place: the outside engines of cfg, or the stores alone in dir.
func place(cfg config.Bench, dir string) (bench.Place, error) {
	p := bench.Place{Form: bench.SQLite, Dir: filepath.Join(dir, "broker")}
	if !cfg.Outside() {
		return p, nil
	}
	kafka, err := Service{Config: config.Broker{Kafka: cfg.Kafka}}.kafka()
	if err != nil {
		return p, err
	}
	p.Form, p.LedgerURL, p.KeysURL = bench.Production, cfg.Ledger.URL, cfg.Keystore.URL
	p.Kafka, p.Temporal, p.Namespace = &kafka, cfg.Temporal.Address, cfg.Temporal.Namespace
	return p, nil
}
