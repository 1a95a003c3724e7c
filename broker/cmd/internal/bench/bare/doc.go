// Package bare is what the figures are compared with: the same engines doing the same work with nothing of the broker
// around it. Each is written as one would write it without the promises that the broker makes.
//
//	rows.go     one SQL transaction with the rows of the ledger
//	copy.go     kafka-go: Reader → parse → Writer
//	process.go  Temporal: a workflow with as many signals and activities as the process of a case, which do nothing
package bare
