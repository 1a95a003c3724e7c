package service

import (
	"path/filepath"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench"
	"github.com/efa-broker/efa-broker/broker/internal/config"
)

// Place is where a benchmark takes place: the outside engines of cfg, or the stores alone in dir.
func Place(cfg config.Bench, dir string) (bench.Place, error) {
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
