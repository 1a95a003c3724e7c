// Package starter hands committed events to the process engine, in case order, by signal-with-start: the event that
// opens a case starts its workflow, every later one finds it running (DESIGN law 3, hand-over).
//
// It asks the ledger before it starts anything: a case that has ended gets nothing. It needs no lease: what it hands over
// is numbered, and a process drops what it has, so two starters do no harm. It decides nothing about a process
// and knows no step.
//
//	Handle   events of efa.cases, each handed over at least once
//	Run      the sweep: an open case that was handed over before and has no process in the engine (an emptied or older
//	         engine) is started again although no new event comes; the process rebuilds itself from the ledger
//
// The sweep writes nothing into the database and what it asks of the engine may be repeated, so it needs no lease: each
// replica sweeps for itself. A case that a dead letter stops is left alone.
package starter
