// Package fact holds what a process may know of content to choose its way: booleans, enumerations and bounded
// numbers that a service package declares and intake derives (DESIGN law 1). A sensitive fact stays in the vault and
// is used only inside a decision.
package fact
