// Package procedure holds the procedural state of a case (domain.md § 3.2) and its projection for citizens (§ 3.3).
// Delivery state is another machine (contracts/delivery) and never sets this one (DESIGN law 6).
//
// A notification (Anzeige), for example a trade notice:
//
//	state         next                     moved by
//	received      acknowledged | closed    acknowledgement of receipt; closed at once when the notice was forwarded
//	                                       and the office drew it up itself
//	acknowledged  closed                   end of the process
//	closed        –
package procedure
