// Package rows reads the ledger database by its own statements and checks receipts by its own code: the documented
// formats of an event's digest (efa-event/1) and of a receipt (efa-receipt/1), Ed25519. It shares no code with the broker.
package rows
