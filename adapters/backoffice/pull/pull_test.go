package pull_test

import (
	"testing"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/adapters/backoffice/backofficetest"
	"github.com/efa-broker/efa-broker/adapters/backoffice/pull"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

func TestPullKeepsTheContract(t *testing.T) {
	t.Parallel()
	backofficetest.Run(t, func(t *testing.T, s backofficetest.Server) backoffice.Port {
		t.Helper()
		c, err := client.Open(client.Config{API: s.API, Issuer: s.Issuer.URL, Credentials: s.Credentials})
		if err != nil {
			t.Fatal(err)
		}
		p, err := pull.Open(pull.Config{Client: c, WaitSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		return p
	})
}

func TestOpenRefusesIncoherentConfig(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]pull.Config{
		"no client":       {},
		"too long a wait": {Client: &client.ClientWithResponses{}, WaitSeconds: 31},
		"too many items":  {Client: &client.ClientWithResponses{}, Limit: 501},
	} {
		if _, err := pull.Open(cfg); contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: got %v, want invalid", name, err)
		}
	}
}
