// Package sqlstore opens the ledger database, SQLite or PostgreSQL, and carries transactions through the domains. It owns
// the migrations, the connection pools, the database's clock and the type Tx that every projector receives; beside its
// row-level policies it must not know what any table means.
//
// SQL is hand-written with $1 placeholders, one text for both (decision 14). Timestamps are UTC with microseconds. What
// differs stands behind Tx and DB:
//
//	                     SQLite                                   PostgreSQL 15
//	writers              one connection, BEGIN IMMEDIATE          side by side, READ COMMITTED
//	                     is the lock
//	statements           kept prepared per connection             kept prepared by the driver
//	ForUpdate, ForShare  empty                                    row locks, in the order of DESIGN law 4
//	Lock                 nothing                                  an advisory lock by name, for what no row stands for
//	Snapshot             any transaction                          REPEATABLE READ
//	a transaction loses  never                                    Write runs it again, up to 5 times
//	durable              synchronous=FULL; writers that wait      synchronous_commit; off is refused
//	                     share one commit
//	clock                this machine's                           the database's, measured every 2 seconds; a machine that
//	                                                              is more than 1 second off is not ready and writes nothing
//	Changed, Announce    this process                             every process on the database, by NOTIFY
//	View                 the reading pool                         connections in the role efa_view: row-level security
//	Put                  at once                                  with the next query or the commit, in one round trip
//	Ahead                nothing                                  with the next query, in one round trip
//	migrations           migrations/*.sql                         those, then migrations/postgres/*.sql
//
// Migrations go forward only; a new version expands first and contracts one version later. Each migration from 6 on (3 of
// the key store) says in table schema_compatibility which is the oldest program that may still run on the database, by the
// number of that program's newest migration. A program that meets migrations it does not know runs when all of them say so,
// and is refused otherwise, at Open and, while it runs, as not ready. So the older of two versions on one database needs to
// know nothing of the newer one: a column that it does not write is nullable or has a default, one that it reads stays, and
// every statement names its columns.
//
// On PostgreSQL connections work in the role efa_ledger. Every table forces row-level security, those of later migrations
// too; a table is closed to efa_view until a file in migrations/postgres gives it a policy named "view". Errors of
// PostgreSQL carry their kind: what passes (connection, lock, disk, shutdown) is Unavailable.
package sqlstore
