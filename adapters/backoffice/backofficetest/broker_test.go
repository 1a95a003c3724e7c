package backofficetest_test

import (
	"testing"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/adapters/backoffice/backofficetest"
)

func TestTheScriptedBrokerKeepsTheContractItself(t *testing.T) {
	t.Parallel()
	backofficetest.Run(t, func(t *testing.T, s backofficetest.Server) backoffice.Port {
		t.Helper()
		return s.Broker
	})
}
