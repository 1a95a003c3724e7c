package assembly

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/broker/internal/datadir"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// Config says where a broker keeps its own.
type Config struct {
	// Dir is the data directory: receipt.key, keystore/ with the tenant keys, and the databases that have no URL.
	Dir string
	// KeystoreBackup is the directory into which the key store is backed up whenever a tenant key changes. Defaults to
	// keystore/backup in Dir.
	KeystoreBackup string
	// LedgerURL is the PostgreSQL database of the ledger. Defaults to ledger.db in Dir.
	LedgerURL string
	// KeysURL is the PostgreSQL database of the key store, in another cluster. Defaults to a file in keystore/.
	KeysURL string
	// Migrated refuses databases that lack a migration instead of applying it.
	Migrated bool
	// Operator hosts every case.
	Operator authority.OperatorID
	// Law is the law. Defaults to what the product carries.
	Law *law.Book
	// Packages are offered besides those that the product carries. Defaults to none.
	Packages []service.Package
	// Due is the due instant of a period that begins at start. Defaults to the law record's own rule.
	Due func(r law.DeadlineRecord, start time.Time) *time.Time
	// Now is the ledger's clock. Defaults to the database's own.
	Now func() time.Time
	// Log receives what an operator cares about.
	Log *slog.Logger
}

func (c Config) dir() datadir.Dir { return datadir.Dir(c.Dir) }

func (c Config) ledger() sqlstore.Config {
	if c.LedgerURL != "" {
		return sqlstore.Config{URL: c.LedgerURL, Migrated: c.Migrated, Now: c.Now}
	}
	return sqlstore.Config{Path: c.dir().Ledger(), Now: c.Now}
}

func (c Config) vault(db *sqlstore.DB) vault.Config {
	return vault.Config{
		Ledger: db, Dir: c.dir().Keystore(), KeysURL: c.KeysURL, Migrated: c.Migrated, Backup: c.KeystoreBackup, Log: c.Log,
	}
}

// exclusive reports whether a database is a file of the data directory, which then is for one process at a time.
func (c Config) exclusive() bool { return c.LedgerURL == "" || c.KeysURL == "" }

// Gate says who may speak to the broker.
type Gate struct {
	// Issuer is the OpenID provider whose tokens count.
	Issuer string
	// Audience must be among the audiences of a token.
	Audience string
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
	// Namespace is the namespace of the operator there. Defaults to that of permit.
	Namespace string
}
