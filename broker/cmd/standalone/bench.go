package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/localkafka"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/workflows/localtemporal"
	"github.com/efa-broker/efa-broker/workflows/permit"
)

// benchCommand measures the broker over embedded engines in a scratch directory.
func (m Main) benchCommand() *cobra.Command {
	b := &bench.Command{Stdout: m.Stdout, Stderr: m.Stderr, Log: logger(m.Stderr, config.Log{Level: "error", Format: "text"})}
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure the broker with its embedded engines, in a scratch directory", Args: noArgs,
		Long: "Measure the broker with its embedded engines, in a scratch directory. " + bench.Long(),
	}
	b.AddFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return b.Run(cmd.Context(), func(ctx context.Context, dir string) (bench.Place, func(context.Context) error, error) {
			return m.place(ctx, b, dir)
		})
	}
	return cmd
}

// place starts the engines as a standalone broker does.
func (m Main) place(ctx context.Context, b *bench.Command, dir string) (bench.Place, func(context.Context) error, error) {
	p := bench.Place{Form: bench.Embedded, Dir: filepath.Join(dir, "broker"), Namespace: permit.DefaultNamespace}
	if err := makePrivate(p.Dir); err != nil {
		return p, nil, err
	}
	kafka, err := localkafka.Start(ctx, localkafka.Config{Dir: filepath.Join(dir, "kafka"), Logger: b.Log})
	if err != nil {
		return p, nil, fmt.Errorf("start event log: %w", err)
	}
	temporal := localtemporal.New(localtemporal.Config{Dir: filepath.Join(dir, "temporal"), Logger: b.Log})
	undo := func(ctx context.Context) error { return errors.Join(temporal.Stop(ctx), kafka.Stop(ctx)) }
	if err := temporal.Start(ctx); err != nil {
		return p, undo, fmt.Errorf("start process engine: %w", err)
	}
	p.Kafka = &kafkalog.Config{Brokers: []string{kafka.Addr}, Logger: b.Log}
	p.Temporal = temporal.HostPort()
	return p, undo, nil
}
