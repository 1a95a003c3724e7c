// Package datadir says what lies where in the data directory of a broker whose databases are SQLite files, and lets one
// process at a time have it. It must not know what is in the files.
//
//	ledger.db      the record                     in the backup of the ledger
//	receipt.key    signs receipts, opens nothing  in the backup of the ledger
//	keystore/      wrapped keys (keys.db)         backed up by itself, never with the ledger
//	keystore/tenants/  tenant keys, journal of erasures   in no backup
//	kafka/ temporal/   embedded engines           not backed up: rebuilt from the ledger
//	lock           held while a broker runs or a restore writes
//	restoring      exists while a restore is not whole; no broker starts on it
package datadir
