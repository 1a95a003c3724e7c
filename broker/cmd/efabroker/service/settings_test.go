package service

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKafkaIsReachedAsTheSettingsSay(t *testing.T) {
	t.Parallel()
	plain, err := Service{Config: config.Broker{Kafka: config.Kafka{Brokers: "a:1,b:2", Mechanism: "none"}}}.kafka()
	if err != nil || plain.TLS != nil || plain.SASL != nil || len(plain.Brokers) != 2 {
		t.Errorf("%+v, %v", plain, err)
	}
	full, err := Service{Config: config.Broker{Kafka: config.Kafka{Brokers: "a:1", TLS: true, Mechanism: "SCRAM-SHA-256", Username: "u", Password: "p"}}}.kafka()
	if err != nil || full.TLS == nil || full.SASL == nil || full.SASL.Username != "u" || full.SASL.Password != "p" || full.Validate() != nil {
		t.Errorf("%+v, %v", full, err)
	}
	for name, k := range map[string]config.Kafka{
		"no such file":            {TLS: true, CA: filepath.Join(t.TempDir(), "absent")},
		"no certificate":          {TLS: true, CA: write(t, "no certificate")},
		"no certificate and key":  {TLS: true, Cert: write(t, "x"), Key: write(t, "x")},
		"a certificate that left": {TLS: true, Cert: "absent", Key: "absent"},
	} {
		if _, err := (Service{Config: config.Broker{Kafka: k}}).kafka(); contracts.KindOf(err) != contracts.Invalid || len(contracts.ProblemsOf(err)) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFurtherPrincipalsComeFromTheFile(t *testing.T) {
	t.Parallel()
	read := func(path string) ([]identity.Principal, error) {
		return Service{Config: config.Broker{Operator: "bayern", Principals: path}}.principals()
	}
	got, err := read(write(t, `[{"id":"w","kind":"person","role":"case_worker","tenant":"muenchen","authority":"gewerbeamt-muenchen"}]`))
	want := identity.Principal{ID: "w", Kind: identity.Person, Role: actor.CaseWorker, Operator: "bayern", Tenant: "muenchen", Authority: "gewerbeamt-muenchen"}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v, %v", got, err)
	}
	if none, err := read(""); err != nil || len(none) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
	for _, path := range []string{"absent", write(t, `[{"id":"w","operator":"hessen"}]`), write(t, `{}`)} {
		if _, err := read(path); contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: %v", path, err)
		}
	}
}
