// Package backofficetest proves that an implementation of backoffice.Port keeps the contract, against a scripted broker
// that speaks the published API (contracts/api/openapi.yaml) and refuses whatever the contract does not allow. No broker
// has to run. A transport's test is then a few lines:
//
//	func TestPort(t *testing.T) {
//		backofficetest.Run(t, func(t *testing.T, s backofficetest.Server) backoffice.Port { … })
//	}
//
// The same Broker, as an in-memory Port, serves the tests of handlers.
package backofficetest
