// Package contractstest helps tests of every room: a clock that stands still until it is told to move, ids that count,
// builders for who acts, and canaries, values that must never be found outside sealed content.
//
// Only tests import it.
package contractstest
