// Ledgercheck judges a broker from outside: it reads the ledger database, SQLite or PostgreSQL, and what producers, back
// offices and a reader of the event log wrote down, and says rule by rule whether anything was lost, doubled, invented,
// reordered, leaked, not authorised, not proven, or not accounted for. It is asked when nothing moves any more.
//
// It shares no code with the broker, so that a fault of the broker cannot hide in it.
package main
