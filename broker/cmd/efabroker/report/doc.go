// Package report says in lines for people what the broker answered: events, tasks, dead letters, reconciliations. It must not
// speak to the broker.
package report
