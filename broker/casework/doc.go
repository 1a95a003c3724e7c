// Package casework owns cases as people see them and tasks: what another authority has to do. It moves procedural
// states, assigns tasks for the process engine and takes the answers of their holders.
//
//	task           next                          event (projector checks the step in the ledger transaction, 409)
//	–              assigned                      de.efa.task.assigned.v1      (Assign, asked by the engine)
//	assigned       completed                     de.efa.task.completed.v1     (outcome, or a submission that completes)
//	assigned       expired                       de.efa.task.expired.v1       (Expire, asked by the engine; Settle, by a late answer)
//	expired        completed                     de.efa.task.completed.v1     (only after silence that may be disregarded)
//	assigned       not_competent                 de.efa.task.returned.v1      (a third answer beside yes and no)
//
//	case           next                          event
//	received       acknowledged | closed         de.efa.case.acknowledged.v1, de.efa.case.closed.v1  (Move)
//	acknowledged   closed                        de.efa.case.closed.v1
//
// An answer is late when it was received after the due instant of a task that silence ends (DESIGN law 3). Late answers meet
// the same rule whether the expiry is recorded yet or not: the process engine may be down. A task under silence that says
// nothing is never late; it is overdue, which is derived, and a person is called to it once (attention "overdue").
//
// It reads no content. Which step follows is the workflow's business; whether an answer counts is decided here, by the
// task row (DESIGN law 3: the ledger decides, the workflow follows).
package casework
