package config_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
)

// sound are the settings of a broker against engines on other machines, everything encrypted.
func sound() map[string]string {
	return map[string]string{
		"EFA_LEDGER_URL": "postgres://efa:geheim@ledger.example/efa?sslmode=verify-full", "EFA_KEYSTORE_URL": "postgres://efa@keys.example/efa?sslmode=require",
		"EFA_KAFKA_BROKERS": "a.example:9093, b.example:9093", "EFA_KAFKA_TLS": "true", "EFA_KAFKA_MECHANISM": "SCRAM-SHA-512",
		"EFA_KAFKA_USERNAME": "efa", "EFA_KAFKA_PASSWORD": "geheim", "EFA_TEMPORAL_ADDRESS": "temporal.example:7233",
		"EFA_OPENID_ISSUER": "https://id.example/realms/efa", "EFA_OPENID_JWKS": "https://id.example/realms/efa/certs",
	}
}

func TestABrokerRefusesIncoherentSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change map[string]string
		want   []string
	}{
		"as it should be":                    {nil, nil},
		"nothing":                            {map[string]string{"EFA_LEDGER_URL": "", "EFA_KEYSTORE_URL": "", "EFA_OPENID_ISSUER": "", "EFA_OPENID_JWKS": ""}, []string{"keystore.url", "ledger.url", "openid.issuer", "openid.jwks"}},
		"keys in the ledger's cluster":       {map[string]string{"EFA_KEYSTORE_URL": "postgres://efa@ledger.example:5432/keys?sslmode=require"}, []string{"keystore.url"}},
		"keys at the ledger's socket":        {map[string]string{"EFA_LEDGER_URL": "postgres:///efa?host=/run/pg", "EFA_KEYSTORE_URL": "postgres:///keys?host=/run/pg"}, []string{"keystore.url"}},
		"two sockets":                        {map[string]string{"EFA_LEDGER_URL": "postgres:///efa?host=/run/pg", "EFA_KEYSTORE_URL": "postgres:///keys?host=/run/keys"}, nil},
		"a database without name":            {map[string]string{"EFA_LEDGER_URL": "postgres://efa@ledger.example"}, []string{"ledger.url"}},
		"a database in the clear":            {map[string]string{"EFA_LEDGER_URL": "postgres://efa@ledger.example/efa?sslmode=prefer"}, []string{"ledger.url"}},
		"in the clear where it is permitted": {map[string]string{"EFA_LEDGER_URL": "postgres://efa@ledger.example/efa", "EFA_KAFKA_TLS": "false", "EFA_OPENID_JWKS": "http://id.example/certs", "EFA_ALLOW_PLAIN": "true"}, nil},
		"Kafka in the clear":                 {map[string]string{"EFA_KAFKA_TLS": "false"}, []string{"kafka.tls", "kafka.tls"}},
		"keys of the provider in the clear":  {map[string]string{"EFA_OPENID_JWKS": "http://id.example/certs"}, []string{"openid.jwks"}},
		"a user without mechanism":           {map[string]string{"EFA_KAFKA_MECHANISM": "none"}, []string{"kafka.mechanism"}},
		"a mechanism without user":           {map[string]string{"EFA_KAFKA_PASSWORD": ""}, []string{"kafka.mechanism"}},
		"half a certificate":                 {map[string]string{"EFA_KAFKA_CERT": "cert.pem"}, []string{"kafka.cert"}},
		"a certificate without TLS":          {map[string]string{"EFA_KAFKA_TLS": "false", "EFA_KAFKA_CA": "ca.pem", "EFA_ALLOW_PLAIN": "true"}, []string{"kafka.tls"}},
		"addresses that are none":            {map[string]string{"EFA_LISTEN": "8080", "EFA_TEMPORAL_ADDRESS": "temporal", "EFA_KAFKA_BROKERS": ","}, []string{"kafka.brokers", "listen", "temporal.address"}},
		"tokens for anybody":                 {map[string]string{"EFA_OPENID_AUDIENCE": ""}, []string{"openid.audience"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := sound()
			maps.Copy(settings, c.change)
			var environ []string
			for k, v := range settings {
				environ = append(environ, k+"="+v)
			}
			var cfg config.Broker
			_, err := config.Load(&cfg, config.Source{Environ: environ})
			var got []string
			for _, p := range contracts.ProblemsOf(err) {
				got = append(got, p.Pointer)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("refused %q, want %q: %v", got, c.want, err)
			}
			if err == nil && len(cfg.Kafka.Addresses()) != 2 {
				t.Errorf("brokers %q", cfg.Kafka.Addresses())
			}
		})
	}
}
