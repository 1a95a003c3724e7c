// Package fault lets tests kill the broker at labelled points and break it on purpose.
//
// It does something only in a program that was built with the tag faults. Without it all calls are empty, the compiler
// removes them with their labels, and no variable of the environment is read. The names do not begin with EFA_, because the
// broker refuses a setting that it does not know:
//
//	FAULT_CRASH=name:n    the process kills itself (SIGKILL) at the n-th pass of that crash point; n defaults to 1
//	FAULT_MUTANT=name:n   the fault is there at the n-th pass of its place only; without n at every pass
//	FAULT_PANIC=name:n    the program panics at the event of the n-th pass of that place, then and whenever the event comes again
//
// A name that nobody knows ends the program at its first pass of any point, so that no test waits for a crash that cannot
// come.
//
//	crash point            in the way of one case                                       what a restart has to do
//	intake.received        checked, nothing sealed, nothing recorded                    nothing; the portal asks again
//	intake.sealed          keys are durable, nothing else is written                    the portal asks again; keys that open nothing stay
//	intake.committed       recorded, the portal has no answer                           the portal asks again and gets the same receipt
//	ledger.appended        inside a transaction of the ledger                           nothing of it remains
//	answer.committed       the outcome of a task is recorded, the office has no answer  the office asks again
//	ingress.checked        a record of an office's topic is good, nothing is written    read it again
//	ingress.committed      its answer is recorded with its position, nobody knows       go on behind it
//	relay.read             outbox rows are read                                         publish
//	relay.published        published, not marked                                        publish again; consumers drop the repeat
//	starter.received       an event has come, nothing handed over                       hand over
//	starter.signalled      handed over, position not kept                               hand over again; the process drops the repeat
//	step.committed         the effect of an activity is recorded, it is not completed   the stored result is the answer
//	delivery.numbered      inbox rows are written, not committed                        write them
//	delivery.committed     inbox rows are committed, the log's offset is not            drop the repeat
//	release.decided        decided, no record                                           the office asks again
//	release.recorded       recorded, no byte has left                                   the office asks again, under the same disclosure
//	deadletter.written     a record was put aside, the log's offset is not committed    count it again
//	erasure.journalled     the line is in the journal                                   every further step
//	erasure.key_deleted    the case's key is gone                                       rewrap, back up, destroy the old version
//	erasure.rewrapped      the tenant's keys are under the new version                  back up, destroy the old version
package fault
