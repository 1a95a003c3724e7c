// Package reconcile compares ledger, event log and process engine, and rebuilds from the ledger what the others lost
// (DESIGN law 2). The operator starts a run and follows it; one run at a time. Without repair it changes nothing.
//
//	phase            compares                                             repair
//	event_log        reads every record of efa.cases                      –
//	ledger           published events with records; positions of          publishes them again (the relay does; consumers
//	                 consumers with what they have read                   drop what they have)
//	process_engine   open cases with their processes                      starts the process, or hands the last event over
//	                                                                      again; it rebuilds itself from the stored steps
//	repair           –                                                    waits until the relay has published everything
//
// No effect is repeated: the ledger keeps the result of each step, consumers keep their positions. Events that the log no
// longer keeps because it deleted its oldest records are aged, not lost. A consumer that is behind, and what a dead letter
// stops, are counted and left alone.
//
// The automatic part is elsewhere: the relay's look (every minute) publishes again what a consumer lacks, the starter's
// sweep starts processes. A run finds in addition what no consumer of the broker needs: records missing in the log, and
// processes of an older engine that do not know their last events. Runs, and replays of the outbox, stay as rows with
// actor and reason.
package reconcile
