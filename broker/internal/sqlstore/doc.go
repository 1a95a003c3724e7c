// Package sqlstore opens the ledger database and carries transactions through the domains. It owns the migrations,
// the two connection pools and the type Tx that every projector receives; it must not know what any table means.
//
// On SQLite every writing transaction is BEGIN IMMEDIATE, which is the lock (DESIGN law 4); there is one writing
// connection, synchronous=FULL, because an acknowledgement must survive a power cut. SQL is hand-written with $1
// placeholders, one text for SQLite and PostgreSQL (decision 14). Timestamps are UTC with microseconds.
package sqlstore
