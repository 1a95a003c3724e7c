// Package lease gives one holder at a time the right to do a piece of background work, across replicas. A lease has an
// epoch that rises with every change of hands; whoever works under a lease checks the epoch in the same transaction as
// each write, so that a holder that was stopped and continued cannot write any more (DESIGN law 5).
//
// Times are the database's clock of the transaction; a lapsed lease may be taken by anyone, and so may one that was taken
// before that clock was set back. All keepers of one database use one TTL.
package lease
