// Package act names privileged acts: what the operator does with cases and keys that is no step of a procedure and takes
// something away from somebody. Each has an actor and a reason from a closed list, and the body concerned can see it.
package act
