package assembly

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/broker/casework"
	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// Config says where a broker keeps its own.
type Config struct {
	// Dir is the data directory: ledger.db, receipt.key and keystore/.
	Dir string
	// Operator hosts every case.
	Operator authority.OperatorID
	// Law is the law. Defaults to what the product carries.
	Law *law.Book
	// Packages are offered besides those that the product carries. Defaults to none.
	Packages []service.Package
	// Deadlines fixes the deadlines of tasks. Defaults to the law's.
	Deadlines casework.Deadlines
	// Now is the ledger's clock. Defaults to the machine's.
	Now func() time.Time
	// Log receives what an operator cares about.
	Log *slog.Logger
}

func (c Config) ledgerFile() string  { return filepath.Join(c.Dir, "ledger.db") }
func (c Config) receiptKey() string  { return filepath.Join(c.Dir, "receipt.key") }
func (c Config) keystoreDir() string { return filepath.Join(c.Dir, "keystore") }

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
