// Package sqlstoretest opens ledger databases for tests and writes the rows that a domain finds there when others have
// done their part. The databases are SQLite files, or with EFA_POSTGRES databases of that PostgreSQL cluster: the same
// tests hold on both.
package sqlstoretest
