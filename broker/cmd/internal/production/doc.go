// Package production breaks the production form while it carries load. It is tests only: they work on the processes that
// deploy/local/up has started, two brokers, a worker and real engines, which make production-tier does. Without them each
// test is skipped.
//
//	a customer  submits through whichever broker answers, and repeats what got no answer
//	an office   is one of the demo's back offices, behind the same balancer
//	whole       every customer has one receipt, however often it asked; both cases have ended; nothing happened twice
package production
