// Package memlog is the event log in memory, for unit tests of whatever publishes or consumes. It keeps the whole
// contract of eventlog, groups, rebalances and repeats included, and forgets everything with the process; no product
// path uses it.
//
// A group moves through generations. A member that joins or leaves, and a topic that appears, begin the next one:
//
//	state       a member                                            until
//	running     runs one function for each partition of its own     the group's generation grows
//	settling    has cancelled its functions and waits for them      they have returned: it settles on the generation
//	settled     waits                                               every member has settled: the partitions are divided
package memlog
