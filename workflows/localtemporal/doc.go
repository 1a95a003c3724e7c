// Package localtemporal runs a real Temporal server inside the process, with its data in SQLite files on disk: the default
// process engine for trying out and for small sites (DESIGN law 9). Production points the same workers and clients at a
// Temporal cluster.
//
//	DIR/lock             held while the server runs: a second start on the directory is refused
//	DIR/version          version of the server whose schema the files have; SQLite has no schema migration
//	DIR/temporal.db      histories, timers, task queues
//	DIR/visibility.db    what operators list; a file of its own is 20 to 30 % faster
//
//	start with           DIR/version            what happens
//	no database          any or none            version is written, then each database is made under another name and renamed
//	a database           the server's           the server continues
//	a database           another or none        refused, naming both: drain the cases, or rebuild from the ledger:
//	                                                move DIR away and start; the broker starts every open case again
//	temporal.db.new      –                      removed: a start was interrupted before the rename
//
// With Config.PostgreSQL the data lie in two databases of a cluster instead, with the schema that temporal-sql-tool would
// write; an advisory lock in the first stands for DIR/lock, and another version is refused as well. It lets the same
// tests run on the production's store.
//
// The server listens on the loopback address only, because it authenticates nobody. Only broker/cmd/standalone and tests
// may import this package: it links the whole server.
package localtemporal
