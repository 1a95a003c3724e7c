// Package backlog bounds how much accepted work may wait for the event log and the process engine, so that an outage of
// either fills neither disk nor memory without limit, and drains in a time that can be told.
//
// The backlog is the number of events that the relay has not published, plus the records of the consumer that is furthest
// behind. It is measured at the start and then at every Config.Interval, never per request; between two measurements
// intake may pass the bound by what it accepts in one interval. An event log that cannot be asked leaves the last number
// of records as it was: meanwhile nothing is published, so that the rest counts.
//
// Beyond the bound Room is Unavailable, which HTTP answers with 503 and Retry-After. Only what opens a case asks for room.
// Reading, answers to tasks and what a process itself appends never do: they are bounded by the cases that are open, and
// a refused answer could cost a body its deadline.
package backlog
