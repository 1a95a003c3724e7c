// Package bench measures the broker: each figure beside a baseline in the same run, on the engines that a program brings
// (DESIGN law 9: both programs measure with the same code).
//
//	bench.go      what to measure, where, and in which order
//	figure.go     the list of figures
//	intake.go     outcome, submission: durable intake against bare SQL transactions
//	register.go   register: the cost of an event with 10, 1,000 and 11,000 authorities
//	price.go      price: CPU of each stage, run alone over the same events
//	flow.go       flow: intake, relay and delivery at once, without a process
//	process.go    process, latency: the whole way of a case against bare Temporal
//	memory.go     idle, memory
//	progress.go   how far it is, for people
//	measure/      rounds, spreads, process accounting
//	world/        the broker and those who send requests
//	bare/         the baselines
//	report/       JSON and table
//
// Protocol: value and baseline take turns (A/B/A/B) after a first round that does not count; each number is min, median
// and max over the rounds, ratios are taken round by round. CPU is that of the process by its accounting, so on the
// embedded form it contains the engines. Requests go through the whole HTTP handler without a network; authentication,
// schema, policy and signatures are on. Nothing is measured against a clock that a test asserts.
package bench
