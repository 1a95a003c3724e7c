// Package task holds what another authority has to do: a task with a typed deadline and silence effect.
// Delivery answers (accept, reject as unreadable) move no task (DESIGN law 6).
//
//	state          next                                                moved by
//	assigned       completed | not_competent | expired | cancelled     answer; silence at the due instant; withdrawal
//	expired        completed (only after DISREGARDABLE)                a late answer is still recorded
//	completed, not_competent, cancelled   –
//
// Overdue is derived (assigned, due instant passed), never stored.
package task
