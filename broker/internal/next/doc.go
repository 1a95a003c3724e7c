// Package next describes the build with the tag next, which is this tree as its own next version: N+1 beside N. It exists so that
// two versions can be tried on one database, and is in no release.
//
//	what N+1 has more                         where
//	a column, events.recorded_by              sqlstore/migrations/next (expand: it has a default)
//	which it writes with every event          ledger.stamp
//	an optional member of task.completed.v1   event.TaskCompletedNext; N ignores it
//	case.acknowledged.v2                      emitted instead of v1 when NEXT_EMIT is set: the switch of DESIGN decision 13
//	a process of the trade registration       its step "acknowledge" is called "certify"
//
// Each place has a file next_on.go with the tag, and a next_off.go that the compiler removes. N, this tree, knows nothing of
// them: it parks case.acknowledged.v2, and N+1 takes it up. The name of the variable does not begin with EFA_, because the
// broker refuses a setting that it does not know.
package next
