package assembly

import (
	"log/slog"
	"net/http"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/broker/internal/datadir"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Config says where a broker keeps its own.
type Config struct {
	// Dir is the data directory: ledger.db, receipt.key and keystore/.
	Dir string
	// KeystoreBackup is the directory into which the key store is backed up whenever a tenant key changes. Defaults to
	// keystore/backup in Dir.
	KeystoreBackup string
	// Operator hosts every case.
	Operator authority.OperatorID
	// BacklogMax is how many events may wait for the engines before new cases are refused. Defaults to 100,000.
	BacklogMax int64
	// Log receives what an operator cares about.
	Log *slog.Logger
}

func (c Config) dir() datadir.Dir { return datadir.Dir(c.Dir) }

// Gate says who may speak to the broker.
type Gate struct {
	// Issuer is the OpenID provider whose tokens count.
	Issuer string
	// Keys verifies tokens in process. Set this or JWKSURL.
	Keys identity.KeySet
	// JWKSURL is where the provider publishes its keys.
	JWKSURL string
	// Principals may speak to the broker, beside those that its database holds already.
	Principals []identity.Principal
	// Open are routes that recognise callers themselves, above all an embedded OpenID provider.
	Open map[string]http.Handler
}

// Engines are what a broker stands on.
type Engines struct {
	// Events is a client of the event log. The caller closes it after Stop.
	Events eventlog.Log
	// Partitions is the number of partitions of efa.cases when the topic is created. Defaults to 6.
	Partitions int
	// Temporal is the address of the process engine's frontend, "host:port".
	Temporal string
}
