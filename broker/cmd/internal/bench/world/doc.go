// Package world is a broker in this process with people around it who send prepared requests: the whole HTTP handler is
// called without a network, so authentication, schema and policy are on. Callers are principals of the benchmark's own
// operator, with tokens that it signs itself.
//
//	world.go        opens, starts and stops the broker
//	caller.go       tokens and requests
//	application.go  an application of exactly 4 KiB
//	task.go         tasks that are given out without a process
//	watch.go        hears when a case is announced and when it has ended
//	pipeline.go     relay and delivery, each by itself
//	register.go     a register of authorities of any size
//	scratch.go      refuses a ledger that is in use; puts behind it what an earlier figure left
//
// A world is opened only on a ledger and a key store that hold nothing: a benchmark never writes into a city's.
package world
