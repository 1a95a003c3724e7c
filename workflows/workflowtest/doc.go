// Package workflowtest holds what tests of workflows share: a ledger in memory that keeps the contract of the process
// engine's ports, an interceptor that fails the n-th activity call, and definitions that resolve without a service
// package. It is for tests only.
package workflowtest
