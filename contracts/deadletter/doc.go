// Package deadletter says what is kept of a record or an event that was put aside: codes, place, size and digest, never
// bytes of somebody else (DESIGN law 1).
//
//	state      means                                                              next
//	parked     an event of the ledger in a form that this program does not know   resent
//	dead       a consumer could not handle an event of the ledger                 resent
//	refused    a record that is none of the ledger's, or not as the ledger has    –
//	           it; nothing follows from it
//	resent     the case goes on                                                   parked, dead when it fails again
//
// A parked or dead letter stops its case for the consumer that it names, and for nobody else; other cases go on.
package deadletter
