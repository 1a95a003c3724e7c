// Package starter hands committed events to the process engine, in case order, by signal-with-start: the event that
// opens a case starts its workflow, every later one finds it running (DESIGN law 3, hand-over).
//
// It asks the ledger before it starts anything: a case that has ended gets nothing. It needs no lease: what it hands over
// is numbered, and a process drops what it has, so two starters do no harm. It decides nothing about a process
// and knows no step.
package starter
