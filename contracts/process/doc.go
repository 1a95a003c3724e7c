// Package process holds the definition of a permit process: an arrangement of tasks and waits in a closed vocabulary,
// written in strict YAML, checked completely when it is loaded, and kept by a case for life under the SHA-256 of its
// resolved document (DESIGN decision 8).
//
//	step  fields                                                  meaning
//	task  role purpose law start outcomes outcome_facts           an authority has something to do; the process waits
//	      opens await                                             for the outcome, unless await is false
//	call  announce with {purposes} | acknowledge                  an act of the broker
//	wait  {task}                                                  until the outcome of a task with await: false is there
//	end   closed                                                  the end of the case
//	when  CEL over facts and outcome                              on any step: skip the step unless it is true
//
// Invariants, each refused by Load with file and line, all at once:
//
//   - A condition is a boolean by its type. It refers only to declared facts that are not sensitive, and to outcomes that
//     an earlier step has awaited; what may be absent is guarded by has().
//   - What silence makes of a task is an outcome too: deemed_granted or expired, as the effect in the law record says. No
//     definition lists it; under an effect that says nothing a condition that asks for it is refused.
//   - An outcome becomes visible to conditions when the step that awaits it passes, never when it happens to arrive. So a
//     condition does not depend on timing, and a process that is rebuilt from the ledger takes the same way.
//   - No end leaves a task behind: a task with await: false is waited for before every end that may follow it.
//   - Law records, roles, purposes and calls are closed lists that the loader is given; periods and silence effects come
//     from the law record, never from the step (DESIGN law 7).
//
// The package must not know the engine that interprets a definition, nor where definitions are kept. It is the only home
// of CEL.
package process
