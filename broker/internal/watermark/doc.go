// Package watermark tells how far everything that carries answers into the ledger has come, so that a deadline is decided
// by time of receipt and not of processing (DESIGN law 3). It owns the table watermarks; it must not know what an answer
// is, nor what a task is.
//
//	source              watermark                            left out
//	replica/<id>        oldest request in hand, else now     once its lease has lapsed and a deadline waits for it
//	partition           as far as its reader has read        never; a new reader takes it over
//
//	Replica.Receive     stamps a request that has been read in full; until it is released it is in hand
//	Replica.Run         publishes the watermark and renews the lease
//	CaughtUp            in the transaction of an expiry: all that can carry an authority's answer are past an instant
//	Check               in the transaction of each append: its reader has not been left out
//
// Invariants, each with a test:
//
//   - No stamp is earlier than a watermark that was published before it.
//   - Who is left out loses its row. What it still has in hand carries an epoch that no row has, and is not taken.
//   - Stamps are the database's clock. A replica whose own is more than Tolerance off it writes nothing (broker/internal/sqlstore),
//     so it cannot renew its lease and stamps nothing either.
//   - A clock that is set back by no more than Tolerance stands still until it is right; a larger jump is followed.
package watermark
