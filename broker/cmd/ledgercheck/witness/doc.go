// Package witness reads what those wrote down who stand outside of the broker. Each keeps a file of its own, one JSON
// object a line, only ever appended to, with the instant of its own monotonic clock:
//
//	Claim     a producer: it sent a submission (invoke), and the answer was yes (ok), no (fail) or not known (info)
//	Exchange  a recipient: one request that a back office sent, and every byte of the answer
//	Record    the event log: one record of the broker's topic or of an authority's, as a client reads it
//
// A line that does not read is refused with file and line. A last line without its end is refused too: its writer was
// killed, and a verdict over half of what it saw would be none.
//
// It shares no code with the broker.
package witness
