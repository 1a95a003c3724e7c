// Package report says in lines for people what a reconciliation found and what a dead letter is. It must not speak to the
// broker.
package report
