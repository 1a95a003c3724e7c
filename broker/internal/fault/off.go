//go:build !faults

package fault

// Crash does nothing in this build.
func Crash(Point) {}

// Mutated is false in this build.
func Mutated(Mutant) bool { return false }

// Panic does nothing in this build.
func Panic(Breakdown, string) {}
