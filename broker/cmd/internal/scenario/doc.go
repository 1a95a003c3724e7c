// Package scenario holds tests that drive the broker as processes, kill and break it, and let ledgercheck judge what is
// left. They need a build with the tag faults, so that the plain test command stays quick.
//
//	form      processes                                  engines                                      started by
//	single    standalone serve, which dies as a whole    its own                                      make crash
//	lean      serve, worker; one dies, the other works   Kafka, PostgreSQL, Temporal of deploy/local  make lean-crash
//
// The lean form is that of production but for the second replica: with one serve each point is surely met by the process
// that was told to die there. What two replicas do for each other is tried in broker/cmd/internal/production.
//
// The portal and the back offices live in the test's process, outlive every kill and write down what they asked and got.
// Two authorities answer over Kafka: one that has tasks and one that only receives.
package scenario
