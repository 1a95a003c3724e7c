// Standalone is the whole broker in one process: the domains of the broker over a real Temporal server on SQLite, a
// broker that speaks Kafka's protocol with its data on disk, an OpenID provider and a ledger in SQLite.
//
//	standalone demo    start, play the main job once, show each step; with --exit end with status 0 only when all were seen
//	standalone serve   start and serve
//	standalone openid  only the OpenID provider, for brokers that run on outside engines; needs no ledger
//	standalone config  show the effective configuration
//
// serve plays no back office unless --offices says so; the demo plays all of them.
//
//	exit code  meaning
//	0          ended as asked; the demo with --exit has seen every step
//	1          the broker did not start, or its work ended
//	2          the command line or a setting is wrong
//	3          the demo with --exit did not see every step
//
// The embedded engines are for trying out and small sites; production points the same broker at Apache Kafka, a Temporal
// cluster and an OpenID provider of its own (DESIGN law 9).
//
//	data directory     what lies there
//	endpoint.json      the addresses of this run, removed at the end
//	clients/           private keys of machine clients, mode 0600
//	people.json        the demo's case workers with their passwords, mode 0600
//	principals.json    the same people for brokers on outside engines, without passwords; written by openid
//	ledger.db          the ledger; receipt.key signs its receipts
//	keystore/          keys of content, subjects and logs, tenant keys; never in a backup of the ledger
//	kafka/ temporal/ openid/   the embedded engines' own
//	offices/           journals of the demo's back offices, and what each obtained
package main
