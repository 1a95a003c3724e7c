package config_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
)

func TestABenchmarkNeedsItsEnginesOrNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change map[string]string
		want   []string
	}{
		"all engines":        {nil, nil},
		"none":               {map[string]string{"EFA_LEDGER_URL": "", "EFA_KEYSTORE_URL": ""}, nil},
		"keys alone":         {map[string]string{"EFA_LEDGER_URL": ""}, []string{"keystore.url"}},
		"ledger alone":       {map[string]string{"EFA_KEYSTORE_URL": ""}, []string{"keystore.url"}},
		"no process engine":  {map[string]string{"EFA_TEMPORAL_ADDRESS": "here", "EFA_TEMPORAL_NAMESPACE": ""}, []string{"temporal.address", "temporal.namespace"}},
		"no event log":       {map[string]string{"EFA_KAFKA_BROKERS": ","}, []string{"kafka.brokers"}},
		"plain to elsewhere": {map[string]string{"EFA_LEDGER_URL": "postgres://efa@ledger.example/efa"}, []string{"ledger.url"}},
	} {
		environ := sound()
		for _, unknown := range []string{"EFA_OPENID_ISSUER", "EFA_OPENID_JWKS"} {
			delete(environ, unknown)
		}
		maps.Copy(environ, c.change)
		var given []string
		for k, v := range environ {
			given = append(given, k+"="+v)
		}
		var cfg config.Bench
		_, err := config.Load(&cfg, config.Source{Environ: given})
		var got []string
		for _, p := range contracts.ProblemsOf(err) {
			got = append(got, p.Pointer)
		}
		slices.Sort(got)
		if !slices.Equal(slices.Compact(got), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
