// Package permit interprets a permit process: one Go workflow, named "permit", that walks the definition of its case.
//
// The ledger decides, the workflow follows (DESIGN law 3). The workflow holds the position of a case, never the case; what
// it knows was handed over by the ledger, what it does are commands to the ledger, and everything in its history is closed,
// typed and free of content. It may be lost at any moment and is rebuilt from the ledger.
//
//	it knows           from
//	case               activity load-case, once at the start of each run: parties, facts, stored steps
//	events             signal ledger-event, in the order of EngineSeq; activity read-events at the start and at a gap
//	outcomes           applied events, visible to conditions when the step that awaits them passes
//
//	step               command                                     passes when
//	task               assign-task (case, step, 1)                 assigned; with await, when an outcome was applied, or when
//	                                                               silence gave one
//	call: announce     announce (case, step, 1)                    announced
//	call: acknowledge  move-case to acknowledged (case, step, 1)   moved
//	wait               –                                           the task's outcome was applied, or it was never assigned
//	(due instant)      expire-task (case, step/expired, 1)         while the process waits: silence ends a task of the case
//	                   move-case with attention                    under (case, step/overdue, 1): silence says nothing
//	end                move-case to closed (case, step, 1)         moved; the workflow ends
//	(any)              move-case with attention                    under (case, step/attention, n): a person has to look; the
//	                                                               case stays open and waits for a further event
//
// Invariants:
//
//   - Every command names the last EngineSeq applied. When the ledger answers with later events, nothing has happened: the
//     workflow applies them and decides again.
//   - A step whose result the ledger keeps is not done again. Until it has been passed, no event later than the result's
//     EngineSeq is applied.
//   - Whether an answer counts is decided by its receipt against the task's due instant, never by a timer. A timer only asks the
//     ledger, which lets every answer in time win; a rebuilt process decides alike.
//   - A technical fault is retried without limit and never becomes a refusal; a refusal is never retried (retry.go).
//   - A new run (continue-as-new) is a rebuilt one: it carries nothing but the start.
//
// The package must not know the broker; Ports is all that it needs of it. It is the only home of the Temporal SDK besides
// workflows/localtemporal.
package permit
