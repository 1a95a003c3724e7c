// Command efabroker is the command line of the broker: it speaks to a running broker over HTTP, as the operator, as a
// portal, or as the system of one authority. It is the lean broker too: serve, worker, migrate, restored and bench run
// against outside engines. It links no embedded engine and no provider (dependencies_test.go).
//
//	main.go, program.go    streams and environment in, exit code out
//	root.go                the list of commands
//	session.go             which broker, as whom: configuration, endpoint.json, credentials files
//	output/                output for people and for machines
//	exit.go                error kinds → exit codes and hints
//	service/               the broker itself: serve, worker, migrate, restored, bench
//	<noun>.go              the commands of one noun
//
// What machines read is what contracts says: snake_case names, lists as JSON arrays. It acts for an office only with
// that office's key, and only service touches the broker's databases, besides backup and restore, which copy those of a
// data directory on this machine.
package main
