// Package service is the broker against outside engines: Apache Kafka, a Temporal cluster, PostgreSQL and an OpenID
// provider. It is the same broker as the standalone one (broker/cmd/internal/assembly), without an embedded engine.
//
//	Serve    HTTP API, relay, consumers, sweepers; several replicas share the work by leases and consumer groups
//	Work     runs the permit processes; several share the task queue
//	Migrate  brings both databases to this program's version; Serve and Work refuse one that is behind
//	Bench    measures the broker on engines that hold nothing yet
//	Restored prepares a ledger that PostgreSQL's own tools have restored, while nothing runs
//
//	state of Serve and Work    leaves it when
//	starting                   every engine has answered; an error ends the process
//	ready                      told to stop, or background work fails
//	draining                   /readyz says no, everything goes on for drain_delay
//	stopping                   requests, consumers, relay and activities in hand have ended, or shutdown_timeout is over
package service
