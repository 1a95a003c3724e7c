// Package measure runs work and says what it cost: rate by the wall clock, CPU by process accounting, the spread over
// rounds, delays under an open load. Two sides that are compared take turns within one run, after a first round that
// does not count, because a shared machine is never the same twice. It must not know what it runs.
package measure
