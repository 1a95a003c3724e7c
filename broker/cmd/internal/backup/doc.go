// Package backup copies the databases of a data directory and puts them back. It serves brokers whose databases are
// SQLite files; on PostgreSQL the database's own tools do the copying, and Prepare does the rest.
//
//	Ledger    ledger.db and receipt.key into a directory, while the broker runs or not
//	Keystore  keys.db into another directory: never the two in one place, because whoever has both and the tenant keys
//	          has everything, and because a restore must not bring back what was erased
//	Restore   the ledger from its backup, the key store as it is; no broker runs meanwhile
//
// Tenant keys and the journal of erasures are in no backup. The journal is applied by the broker at its next start,
// before it serves. What Restore replaces it moves aside, so that a wrong restore can be undone.
package backup
